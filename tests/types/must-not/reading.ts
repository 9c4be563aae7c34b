/** What must not be asked for, or taken for what it is not. */
import { shops, sync } from "../clients.js";

const [customer] = await sync.customers.list({ limit: 1 });
const [deal] = await sync.pipelines.list({ limit: 1 });
const [shop] = await shops.shops.list();
if (!customer || !deal || !shop) throw new Error("nothing is here");

// @ts-expect-error TS2339: a collection that there is not
await sync.unknown.list();
// @ts-expect-error TS2551: a collection that is misspelt
await sync.custmers.list();
// @ts-expect-error TS2345: the same by name
sync.collection("unknown");
// @ts-expect-error TS2339: a field that there is not
customer.fields.telephone;
// @ts-expect-error TS2339: a field is in `fields`
customer.name;
// @ts-expect-error TS18048: what is not required may be absent
customer.fields.phone.trim();
// @ts-expect-error TS2339: a time is milliseconds, not a Date
deal.fields.close_date?.getTime();
// @ts-expect-error TS2367: a value that the enum does not have
if (deal.fields.stage === "closed") console.log(deal);
// @ts-expect-error TS2339: a member that is misspelt
shop.fields.place?.lng;
// @ts-expect-error TS2339: a reference is an id, not the record
deal.fields.customer.fields;
// @ts-expect-error TS2353: a condition on a field that there is not
await sync.customers.list({ where: { town: "Jakarta" } });
// @ts-expect-error TS2322: a condition of another type
await sync.customers.list({ where: { visits: "3" } });
// @ts-expect-error TS2353: a number has no beginning
await sync.customers.list({ where: { visits: { prefix: "3" } } });
// @ts-expect-error TS2353: a comparison that there is not
await sync.customers.list({ where: { visits: { atLeast: 3 } } });
// @ts-expect-error TS2322: a value that the enum does not have, in a list
await sync.customers.count({ where: { segment: { in: ["retail", "moon"] } } });
// @ts-expect-error TS2322: whether there is a value is yes or no
await sync.customers.list({ where: { city: { exists: "yes" } } });
// @ts-expect-error TS2353: a field that is misspelt, further in
await sync.customers.list({ where: { or: [{ ctiy: "Bogor" }, { visits: 3 }] } });
// @ts-expect-error TS2322: what is no field cannot be followed
await sync.customers.list({ include: ["boss"] });
// @ts-expect-error TS2322: the id of a deal where a customer's is wanted
await sync.activities.list({ where: { customer: deal.id } });
// @ts-expect-error TS2820: a sort by a field that is misspelt
await sync.customers.list({ sort: ["-visit"] });
// @ts-expect-error TS2322: a list has no order
await sync.customers.list({ sort: ["tags"] });
// @ts-expect-error TS2322: the page before was of another collection
await sync.customers.list({ after: deal });
// @ts-expect-error TS2345: the id of a record of another collection
await sync.customers.get(deal.id);
// @ts-expect-error TS2561: a query that is misspelt
await sync.customers.list({ were: { city: "Jakarta" } });
// @ts-expect-error TS2551: a field that is misspelt, of what is watched
sync.customers.watch({}, (rows) => console.log(rows[0]?.fields.cty));
// @ts-expect-error TS2345: an event that is misspelt
sync.addEventListener("statuschange", () => {});
// @ts-expect-error TS2345: what changed is never a collection that there is not
sync.addEventListener("change", ({ detail }) => detail.collections.includes("custmers"));
