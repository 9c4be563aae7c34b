/** What is read, and how it is asked for. */
import type { RecordView, Rows, Value } from "../../../www/fieldsync/fieldsync.js";
import { shops, sync } from "../clients.js";

const rows = await sync.customers.list({ where: { city: "Jakarta", visits: { gte: 3 } }, sort: ["-visits", "name"], limit: 50 });
await sync.customers.list({ sort: ["-visits", "name"], limit: 50, after: rows.at(-1), withDeleted: true });
await sync.customers.count({ where: { segment: { in: ["retail", "horeca"] }, name: { prefix: "PT" }, city: null, owner: sync.user } });
await sync.customers.list({ where: { or: [{ city: { exists: false } }, { not: { visits: { gt: 3 } } }] }, include: ["owner"] });
await sync.customers.list({ where: { city: { ne: null } } });
const [twin] = await sync.customers.duplicates({ name: "PT Jaya", phone: "0812" }, { limit: 3 });
const why: "name" | "phone" | string | undefined = twin?.reasons[0]?.field;
const known: string | undefined = twin?.record.fields.name;
await sync.search("maju jaya", { collections: ["customers", "pipelines"] });
await sync.customers.list({ where: { next_visit: { lte: "2026-12-01", ne: "2026-11-30" }, segment: "retail", tags: ["a"] } });
await sync.pipelines.list({ where: { customer: rows[0]?.id, stage: { ne: "won" } }, sort: ["close_date"] });
await shops.shops.list({ where: { open: true, area: { gt: 1, lt: 2 } }, sort: ["-open", "area"] });
rows.complete satisfies boolean;

const customer = await sync.customers.get(sync.newId());
if (customer) {
  const { name, phone, visits, segment, last_visit: last, next_visit: next, tags } = customer.fields;
  name.toUpperCase();
  phone?.trim();
  (visits ?? 0) + (last ?? 0);
  next satisfies string | undefined;
  segment satisfies "retail" | "horeca" | "office" | "industry" | "government" | undefined;
  tags satisfies Value[] | undefined;
  customer.collection satisfies "customers";
  // What takes any record takes this one.
  const any: RecordView = customer;
  any.fields.whatever satisfies Value | undefined;
}
const all: Rows = rows;
all.complete satisfies boolean;

const shop = await shops.shops.get(sync.newId());
shop?.fields.place?.lat.toFixed(2);
shop?.fields.hours?.monday?.trim();
shop?.fields.tags?.map((tag) => tag.trim());
shop?.fields.code.trim();
const [price] = await shops.prices.list({ where: { label: { contains: "kopi" } } });
price?.fields.label.trim();

const stop = sync.activities.watch({ where: { kind: "visit" }, sort: ["-at"] }, (visits) => {
  for (const { fields, status, problem } of visits) console.log(fields.subject.length, fields.at + 1, status === "failed", problem?.field);
});
stop();
sync.addEventListener("change", ({ detail }) => detail.collections.includes("customers"));
sync.addEventListener("syncstatuschange", ({ detail }) => detail.pending + 1);
for (const field of sync.schema.collections) field.title satisfies string;
