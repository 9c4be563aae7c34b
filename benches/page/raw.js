/** IndexedDB by hand, without a library: a row for each record, three indexes, and a queue. */
import { changeOf, customers } from "../lib/customers.mjs";

/** @type {IDBDatabase} */
let database;
/** @type {ReturnType<typeof customers>} */
let records;

/** @param {{ total: number }} options */
export async function open({ total }) {
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
  records = customers(total);
  const filling = database.transaction("customers", "readwrite", { durability: "relaxed" });
  for (const record of records) filling.objectStore("customers").put(record);
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

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function complete(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
