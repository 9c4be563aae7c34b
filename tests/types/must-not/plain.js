/** Plain JavaScript with JSDoc is held to the same. */
import { defineSchema, openClient } from "../../../www/fieldsync/fieldsync.js";

/** @type {import("../../../www/fieldsync/fieldsync.js").Client<import("../../../www/schema.js").Schema>} */
const sync = await openClient({ user: "…", getAccessToken: async () => undefined });
const customer = await sync.customers.create({ name: "PT Askrindo" });
// @ts-expect-error TS2561: a field that is misspelt
await sync.customers.update(customer, { phnoe: "0812" });
// @ts-expect-error TS2339: a collection that there is not
await sync.unknown.list();

const schema = defineSchema({
  schema: 1,
  collections: [{ name: "notes", title: "text", fields: { text: { type: "string", required: true }, kind: { type: "enum", values: ["a", "b"] } } }],
});
const notes = await openClient({ user: "…", getAccessToken: async () => undefined, schema });
// @ts-expect-error TS2322: a value that the enum does not have
await notes.notes.create({ text: "…", kind: "c" });
// @ts-expect-error TS2339: the bar has no such property
document.querySelector("sync-status-bar")?.state;
