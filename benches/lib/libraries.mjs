/** Who is measured, and on how much. */

/** @typedef {{ name: string, module: string, batch?: number }} Library */

/** On whose 10,000 customers everything is measured, where nothing else is said. */
export const TOTAL = 10_000;

/** @type {Library} */
export const OURS = { name: "Fieldsync", module: "fieldsync" };
/** @type {Library} */
export const RAW = { name: "IndexedDB", module: "raw" };
/** Rows for each transaction of a first sync; the better one counts, figure by figure. @type {Library[]} */
export const RAW_BATCHES = [
  { ...RAW, batch: 1000 },
  { ...RAW, batch: 10_000 },
];
/** @type {Library} */
export const DEXIE = { name: "Dexie", module: "dexie" };
/** @type {Library} */
export const MINISEARCH = { name: "MiniSearch", module: "minisearch" };
/** The others, each with two sizes of batch; the better one counts, figure by figure. @type {Library[]} */
export const THEIRS = [
  { name: "PouchDB", module: "pouchdb", batch: 100 },
  { name: "PouchDB", module: "pouchdb", batch: 500 },
  { name: "RxDB", module: "rxdb", batch: 100 },
  { name: "RxDB", module: "rxdb", batch: 500 },
];
