/** What must not be declared, and what a client must not be taken for. */
import { defineSchema, openClient } from "../../../www/fieldsync/fieldsync.js";
import type { Client } from "../../../www/fieldsync/fieldsync.js";
import type { Schema } from "../../../www/schema.js";
import { options, shops } from "../clients.js";

const text = { type: "string" } as const;
// @ts-expect-error TS2820: a type that is misspelt
defineSchema({ schema: 1, collections: [{ name: "notes", title: "text", fields: { text: { type: "strin" } } }] });
// @ts-expect-error TS2345: the title is no field
defineSchema({ schema: 1, collections: [{ name: "notes", title: "heading", fields: { text } }] });
// @ts-expect-error TS2345: an index is no field
defineSchema({ schema: 1, collections: [{ name: "notes", title: "text", indexes: ["at"], fields: { text } }] });
// @ts-expect-error TS2345: the owner is no field
defineSchema({ schema: 1, collections: [{ name: "notes", title: "text", access: { kind: "owner", field: "owner" }, fields: { text } }] });
// @ts-expect-error TS2345: a reference to a collection that there is not
defineSchema({ schema: 1, collections: [{ name: "notes", title: "text", fields: { text, of: { type: "reference", refers_to: "books" } } }] });
// @ts-expect-error TS2322: an enum without its values
defineSchema({ schema: 1, collections: [{ name: "notes", title: "text", fields: { text, kind: { type: "enum" } } }] });
// @ts-expect-error TS2322: a policy that means nothing for a text
defineSchema({ schema: 1, collections: [{ name: "notes", title: "text", fields: { text: { type: "string", policy: "sum" } } }] });
// @ts-expect-error TS2322: the client of another schema
const sync: Client<Schema> = shops;
const written = await openClient({ ...options, schema: { schema: 1, collections: [{ name: "notes", title: "text", fields: { text } }] } });
// @ts-expect-error TS2561: a field that is misspelt, of a schema that is written where the client is opened
await written.notes.create({ txt: "…" });
// @ts-expect-error TS2741: a client without a way to a token
await openClient({ user: "…" });
// @ts-expect-error TS2561: an option that is misspelt
await openClient({ ...options, servr: "https://crm.example" });
