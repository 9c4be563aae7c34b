/** IndexedDB by hand, without a library: a row for each record, three indexes, and a queue. */
import { changeOf, customers } from "../lib/customers.mjs";
import { QUERIES, timed } from "../lib/queries.mjs";

/** @type {IDBDatabase} */
let database;
/** @type {ReturnType<typeof customers>} */
let records;
/** What is to be synced at first: a JSON array for each transaction. @type {Uint8Array<ArrayBuffer>[]} */
let texts;

/** @param {{ total: number }} options */
export async function open({ total }) {
  await openDatabase();
  records = customers(total);
  await put(records);
}

/** The database empty, and the customers as text in memory. @param {{ total: number, batch: number }} options */
export async function prepare({ total, batch }) {
  await openDatabase();
  const all = customers(total);
  texts = [];
  for (let from = 0; from < total; from += batch) texts.push(new TextEncoder().encode(JSON.stringify(all.slice(from, from + batch))));
}

/** Milliseconds from the first text to 50 by name, after all is committed. */
export async function firstSync() {
  const begun = performance.now();
  for (const text of texts) await put(await new Response(text).json());
  const first = await all("name", null, 50);
  const took = performance.now() - begun;
  texts = [];
  if (first.length !== 50) throw new Error(`${first.length} rows`);
  return took;
}

async function openDatabase() {
  const request = indexedDB.open("raw", 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore("customers", { keyPath: "id" });
    for (const field of ["name", "city", "next_visit"]) store.createIndex(field, field);
    request.result.createObjectStore("queue", { autoIncrement: true });
  };
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
  database = request.result;
}

/** @param {typeof records} rows */
async function put(rows) {
  const filling = database.transaction("customers", "readwrite", { durability: "relaxed" });
  for (const row of rows) filling.objectStore("customers").put(row);
  await complete(filling);
}

/** Saves changes of customers `from` to `to`, one after the other: the record and the queue in one strict transaction. @param {number} from @param {number} to @param {string} word */
export async function save(from, to, word) {
  const times = [];
  for (let index = from; index < to; index++) {
    const patch = changeOf(index, word);
    const begun = performance.now();
    const transaction = database.transaction(["customers", "queue"], "readwrite", { durability: "strict" });
    transaction.objectStore("customers").put({ ...records[index], ...patch });
    transaction.objectStore("queue").add({ id: records[index].id, patch, at: Date.now() });
    await complete(transaction);
    times.push(performance.now() - begun);
  }
  return times;
}

/** 50 by name, from one on. @param {number} from @param {number} to */
export function byName(from, to) {
  return timed(from, to, (at) => all("name", IDBKeyRange.lowerBound(QUERIES.names[at]), 50));
}

/** Of a city, those to be visited next. @param {number} from @param {number} to */
export function filtered(from, to) {
  return timed(from, to, async (at) => {
    const found = await all("city", IDBKeyRange.only(QUERIES.cities[at]));
    return found.sort((a, b) => (a.next_visit < b.next_visit ? -1 : 1)).slice(0, 50);
  });
}

/** @param {string} index @param {IDBKeyRange | null} range @param {number} [count] @returns {Promise<any[]>} */
function all(index, range, count) {
  return new Promise((resolve, reject) => {
    const request = database.transaction("customers").objectStore("customers").index(index).getAll(range, count);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function complete(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
