/**
 * PouchDB's server: express-pouchdb in memory, with everything that PouchDB needs of CouchDB and nothing else.
 * `node benches/servers/couch.mjs FOLDER COUNT`: serves the folder and a database of so many customers.
 */
import express from "express";
import expressPouchDB from "express-pouchdb";
import memory from "pouchdb-adapter-memory";
import PouchDBCore from "pouchdb-core";
import mapreduce from "pouchdb-mapreduce";
import replication from "pouchdb-replication";
import { customers } from "../lib/customers.mjs";
import { serve } from "./serve.mjs";

const [folder, count] = process.argv.slice(2);
const PouchDB = PouchDBCore.plugin(memory).plugin(mapreduce).plugin(replication).defaults({ adapter: "memory" });
const couch = expressPouchDB(PouchDB, { mode: "minimumForPouchDB", inMemoryConfig: true });
const database = new PouchDB("customers");
await database.bulkDocs(customers(Number(count)).map(({ id, ...fields }) => ({ _id: id, ...fields })));

const app = express();
app.get("/bench/changed", async (request, response) => {
  const { rows } = await database.allDocs({ include_docs: true });
  response.json(rows.filter((/** @type {any} */ { doc }) => doc.contact?.includes(`(${request.query.word})`)).length);
});
app.use(express.static(folder));
app.use("/db", couch);
serve(app);
