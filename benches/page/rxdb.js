/** RxDB over Dexie, with the replication over HTTP of its documentation. */
import { createRxDatabase } from "rxdb/plugins/core";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";
import { changeOf } from "../lib/customers.mjs";
import { fromOnline } from "./online.js";

const text = (/** @type {number} */ maxLength) => ({ type: "string", maxLength });
const SCHEMA = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: text(36), code: text(20), name: text(120), segment: text(20), city: text(60), address: text(300), phone: text(30),
    email: text(120), contact: text(80), tags: { type: "array", items: { type: "string" } }, visits: { type: "integer" },
    last_visit: { type: "integer" }, next_visit: text(10), notes: text(8000), updatedAt: { type: "integer" },
  },
  required: ["id", "name", "city", "next_visit"],
  indexes: ["name", "city", "next_visit"],
};

/** @type {any} */
let collection;
let total = 0;
/** @type {number | undefined} */
let batch;

/** @param {import("./contender").Options} options */
export async function open(options) {
  ({ total, batch } = options);
  // One tab: nothing to tell others, and no leader to elect.
  const database = await createRxDatabase({ name: "bench", storage: getRxStorageDexie(), multiInstance: false });
  ({ customers: collection } = await database.addCollections({ customers: { schema: /** @type {any} */ (SCHEMA) } }));
}

export async function pull() {
  const begun = performance.now();
  // Without the way back RxDB does not note what it pulled, and everything sent later would be in conflict.
  await replicate({ pull: { handler: ask, batchSize: batch }, push: { handler: tell, batchSize: batch } });
  const took = performance.now() - begun;
  const count = await collection.count().exec();
  if (count !== total) throw new Error(`${count} customers were pulled`);
  return took;
}

/** @param {number} count @param {string} word */
export async function queue(count, word) {
  const found = await collection.find({ sort: [{ id: "asc" }], limit: count }).exec();
  const updatedAt = Date.now();
  const docs = found.map((/** @type {any} */ doc, /** @type {number} */ index) => ({ ...doc.toJSON(), ...changeOf(index, word), updatedAt }));
  const { error } = await collection.bulkUpsert(docs);
  if (error.length) throw new Error("a change was not saved");
}

export function drain() {
  return fromOnline(() => replicate({ push: { handler: tell, batchSize: batch } }));
}

/** Until the replication has nothing left to do. Where RxDB would try again, there is nothing to measure. @param {any} directions */
async function replicate(directions) {
  const state = replicateRxCollection({ collection, replicationIdentifier: "bench", live: false, ...directions });
  const failure = new Promise((_, reject) => state.error$.subscribe(reject));
  await Promise.race([state.awaitInitialReplication(), failure]);
}

/** @param {{ updatedAt: number, id: string } | undefined} checkpoint @param {number} limit */
async function ask(checkpoint, limit) {
  const { updatedAt = 0, id = "" } = checkpoint ?? {};
  const response = await fetch(`/pull?updatedAt=${updatedAt}&id=${id}&limit=${limit}`);
  return response.json();
}

/** @param {any[]} rows @returns {Promise<any[]>} */
async function tell(rows) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const response = await fetch("/push", { method: "POST", headers, body: JSON.stringify(rows) });
  const conflicts = await response.json();
  if (conflicts.length) throw new Error(`${conflicts.length} changes in conflict`);
  return conflicts;
}
