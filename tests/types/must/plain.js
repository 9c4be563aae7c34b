/** Plain JavaScript with JSDoc. */
import { defineSchema, openClient } from "../../../www/fieldsync/fieldsync.js";

/** @typedef {import("../../../www/schema.js").Schema} Schema */
const options = { user: "…", getAccessToken: async () => undefined };

/** @type {import("../../../www/fieldsync/fieldsync.js").Client<Schema>} */
const sync = await openClient(options);
const customer = await sync.customers.create({ name: "PT Askrindo", segment: "retail" });
customer.fields.name.trim();
await sync.customers.update(customer, { phone: "0812" });

const schema = defineSchema({
  schema: 1,
  collections: [{ name: "notes", title: "text", fields: { text: { type: "string", required: true }, kind: { type: "enum", values: ["a", "b"] } } }],
});
const notes = await openClient({ ...options, schema });
const note = await notes.notes.create({ text: "…", kind: "b" });
note.fields.text.trim();

const loose = await openClient(options);
await loose.anything.create({ a: 1 });

const bar = document.querySelector("sync-status-bar");
if (bar) bar.status = sync.status;
