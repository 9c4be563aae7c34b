/** PouchDB, with its browser preset and replication by the CouchDB protocol. */
import PouchDB from "pouchdb-browser";
import { changeOf } from "../lib/customers.mjs";
import { fromOnline } from "./online.js";

/** @type {any} */
let local;
let remote = "";
let total = 0;
/** @type {number | undefined} */
let batch;

/** @param {import("./contender").Options} options */
export async function open(options) {
  local = new PouchDB("customers");
  remote = `${location.origin}/db/customers`;
  ({ total, batch } = options);
  await local.info();
}

export async function pull() {
  const begun = performance.now();
  const { docs_written } = await local.replicate.from(remote, { batch_size: batch });
  const took = performance.now() - begun;
  if (docs_written !== total) throw new Error(`${docs_written} customers were pulled`);
  return took;
}

/** @param {number} count @param {string} word */
export async function queue(count, word) {
  const { rows } = await local.allDocs({ include_docs: true, limit: count });
  const docs = rows.map((/** @type {any} */ { doc }, /** @type {number} */ index) => ({ ...doc, ...changeOf(index, word) }));
  const results = await local.bulkDocs(docs);
  if (results.some((/** @type {any} */ result) => !result.ok)) throw new Error("a change was not saved");
}

export function drain() {
  return fromOnline(async () => {
    const { ok, doc_write_failures } = await local.replicate.to(remote, { batch_size: batch });
    if (!ok || doc_write_failures) throw new Error("a change was not sent");
  });
}
