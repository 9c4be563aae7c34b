/**
 * The server that RxDB's documentation builds for replication over HTTP, with a map in memory where that has MongoDB.
 * `node benches/servers/rxdb.mjs FOLDER COUNT`: serves the folder and so many customers.
 */
import express from "express";
import { customers } from "../lib/customers.mjs";
import { serve } from "./serve.mjs";

/** The default of 100 KB is less than a batch. */
const BODY_MAX = "64mb";

const [folder, count] = process.argv.slice(2);
/** @type {Map<string, any>} */
const documents = new Map();
for (const [index, customer] of customers(Number(count)).entries()) {
  documents.set(customer.id, { ...customer, updatedAt: index + 1, _deleted: false });
}
/** In the order of the feed, until something is written. @type {any[] | undefined} */
let sorted;

const app = express();
app.use(express.json({ limit: BODY_MAX }));
app.get("/pull", (request, response) => {
  const { id, updatedAt, limit } = /** @type {any} */ (request.query);
  const time = Number(updatedAt);
  sorted ??= [...documents.values()].sort((a, b) => a.updatedAt - b.updatedAt || (a.id < b.id ? -1 : 1));
  const begin = sorted.findIndex((doc) => doc.updatedAt > time || (doc.updatedAt === time && doc.id > id));
  const page = begin < 0 ? [] : sorted.slice(begin, begin + Number(limit));
  const last = page.at(-1);
  response.json({ documents: page, checkpoint: last ? { id: last.id, updatedAt: last.updatedAt } : { id, updatedAt: time } });
});
app.post("/push", (request, response) => {
  const conflicts = [];
  for (const { newDocumentState, assumedMasterState } of request.body) {
    const real = documents.get(newDocumentState.id);
    if (real && real.updatedAt !== assumedMasterState?.updatedAt) conflicts.push(real);
    else documents.set(newDocumentState.id, newDocumentState);
  }
  sorted = undefined;
  response.json(conflicts);
});
app.get("/bench/changed", (request, response) => {
  const word = `(${request.query.word})`;
  response.json([...documents.values()].filter(({ contact }) => contact.includes(word)).length);
});
app.use(express.static(folder));
serve(app);
