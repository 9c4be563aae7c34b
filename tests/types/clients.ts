/** The clients of the examples: of the demo's schema, whose type is made from its file, and of one that is defined in TypeScript. */
import { defineSchema } from "../../www/fieldsync/fieldsync.js";
import type { Client } from "../../www/fieldsync/fieldsync.js";
import type { Schema } from "../../www/schema.js";

export const options = { user: "019a0b7e-0000-7000-8000-000000000001", getAccessToken: async () => undefined };

export const shopSchema = defineSchema({
  schema: 1,
  collections: [
    {
      name: "shops", title: "name", indexes: ["name"], access: { kind: "owner", field: "keeper" },
      fields: {
        name: { type: "string", required: true },
        code: { type: "string", read_only: true, required: true },
        keeper: { type: "user" },
        open: { type: "boolean", required: true },
        area: { type: "number", min: 0, policy: "sum" },
        tags: { type: "array", items: { type: "string" }, policy: "union" },
        neighbours: { type: "array", refers_to: "shops" },
        hours: { type: "object", by_member: true, members: { monday: { type: "string" }, sunday: { type: "string" } } },
        place: { type: "object", members: { lat: { type: "number", required: true }, lon: { type: "number", required: true } } },
        extras: { type: "object", by_member: true },
      },
    },
    { name: "prices", title: "label", mode: "remote", fields: { label: { type: "string", required: true } } },
    { name: "status", title: "label", fields: { label: { type: "string", required: true } } },
  ],
});

export declare const sync: Client<Schema>;
export declare const shops: Client<typeof shopSchema>;
