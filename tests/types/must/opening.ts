/** How a client comes to its types, and that without a schema's type there are loose ones. */
import { openClient } from "../../../www/fieldsync/fieldsync.js";
import type { Client, CollectionClient } from "../../../www/fieldsync/fieldsync.js";
import type { Schema } from "../../../www/schema.js";
import json from "../../../www/schema.json" with { type: "json" };
import { options, shopSchema, shops } from "../clients.js";

const defined = await openClient({ ...options, schema: shopSchema });
defined satisfies typeof shops;
const written = await openClient({
  ...options,
  schema: { schema: 1, collections: [{ name: "notes", title: "text", fields: { text: { type: "string", required: true } } }] },
});
(await written.notes.create({ text: "…" })).fields.text.trim();
const constant = { schema: 1, collections: [{ name: "notes", title: "text", fields: { text: { type: "string" } } }] } as const;
(await (await openClient({ ...options, schema: constant })).notes.create({})).fields.text?.trim();

// The type made from the file: with the file, with its address, with the server's schema.
(await openClient<Schema>({ ...options, schema: json })).customers satisfies Client<Schema>["customers"];
(await openClient<Schema>({ ...options, schema: "/schema.json" })).customers.get("…");
const named: Client<Schema> = await openClient(options);
named.customers.get("…");

// No type: any collection, any field.
for (const loose of [await openClient(options), await openClient({ ...options, schema: "/schema.json" }), await openClient({ ...options, schema: json })]) {
  const record = await loose.anything.create({ whatever: 1 });
  await loose.anything.update(record, { other: [1, null] });
  await loose.anything.list({ where: { a: { gte: 1 }, b: null }, sort: ["-c"], after: record });
  await loose.batch((tx) => void tx.anything.create({ a: 1 }));
  await loose.collection("anything").count();
  for (const conflict of await loose.conflicts.list()) await loose.conflicts.resolve(conflict, { anything: { value: 1 } });
  loose.anything satisfies CollectionClient;
}
