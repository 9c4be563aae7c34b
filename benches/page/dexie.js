/** Dexie, as its documentation stores and lists: `bulkPut`, and `orderBy` with a `limit`. */
import { Dexie } from "dexie";
import { customers } from "../lib/customers.mjs";

const FIRST_ROWS = 50;

/** @type {any} */
let database;

/** With the library loaded, and nothing else done. */
export function open() {
  database = new Dexie("bench");
  database.version(1).stores({ customers: "id, name, city, next_visit" });
}

/** @param {number} total */
export async function fill(total) {
  await database.customers.bulkPut(customers(total));
  database.close();
}

/** Milliseconds from opening the database until its first rows are there. */
export async function firstRows() {
  const begun = performance.now();
  const rows = await database.customers.orderBy("name").limit(FIRST_ROWS).toArray();
  const took = performance.now() - begun;
  if (rows.length !== FIRST_ROWS) throw new Error(`${rows.length} rows`);
  return took;
}

export async function start() {
  open();
  await firstRows();
}
