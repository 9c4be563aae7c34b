/** What must not be written. Each line after an expectation is an error of that number, and of no other line. */
import { shops, sync } from "../clients.js";

const customer = await sync.customers.create({ name: "PT Askrindo" });
const deal = await sync.pipelines.create({ customer: customer.id, title: "Kopi", stage: "lead" });
const shop = await shops.shops.create({ name: "Toko", open: true });
const [price] = await shops.prices.list();
const phnoe = "0812-3456-7890";

// @ts-expect-error TS2561: a field that is misspelt
await sync.customers.update(customer, { phnoe });
// @ts-expect-error TS2353: a field of another collection
await sync.customers.update(customer, { stage: "lead" });
// @ts-expect-error TS2322: a text field takes no number
await sync.customers.update(customer, { phone: 62812 });
// @ts-expect-error TS2322: what is required is not cleared
await sync.customers.update(customer, { name: null });
// @ts-expect-error TS2322: an enum takes its values only
await sync.customers.update(customer, { segment: "moon" });
// @ts-expect-error TS2322: a counter takes no text, as a form field gives it
await sync.customers.update(customer, { visits: "3" });
// @ts-expect-error TS2322: a time is milliseconds, not a Date
await sync.customers.update(customer, { last_visit: new Date() });
// @ts-expect-error TS2322: a date is `YYYY-MM-DD`, not milliseconds
await sync.customers.update(customer, { next_visit: Date.now() });
// @ts-expect-error TS2322: a list is not one item
await sync.customers.update(customer, { tags: "vip" });
// @ts-expect-error TS2345: a record of another collection: its deal would be written, not a customer
await sync.customers.update(deal, { phone: "0812" });
// @ts-expect-error TS2345: an id is not a record: nobody knows what the user saw
await sync.customers.update(customer.id, { phone: "0812" });
// @ts-expect-error TS2345: a record of another collection
await sync.customers.remove(deal);
// @ts-expect-error TS2741: what is required is missing
await sync.customers.create({ city: "Jakarta" });
// @ts-expect-error TS2353: a field that is misspelt, in a create
await sync.customers.create({ name: "PT Askrindo", ctiy: "Jakarta" });
// @ts-expect-error TS2322: an enum's value that is misspelt
await sync.pipelines.create({ customer: customer.id, title: "Kopi", stage: "leed" });
// @ts-expect-error TS2322: the id of a deal where a customer's is wanted
await sync.activities.create({ customer: deal.id, kind: "visit", subject: "…", at: 0 });
// @ts-expect-error TS2322: the id of a record where a user's is wanted
await sync.customers.update(customer, { owner: customer.id });
// @ts-expect-error TS2353: of mode "online": not together with a create that is saved here first
await sync.customers.create({ name: "PT Askrindo", owner: sync.user });
// @ts-expect-error TS2353: only the server writes it
await sync.preferences.create({ owner: sync.user });
// @ts-expect-error TS2353: only the server writes it, also where it is required
await shops.shops.update(shop, { code: "T-1" });
// @ts-expect-error TS2339: a collection of mode "remote" is not written
await shops.prices.create({ label: "kopi" });
// @ts-expect-error TS2339: nor anything in it deleted
if (price) await shops.prices.remove(price);
// @ts-expect-error TS2741: a declared member is missing
await shops.shops.update(shop, { place: { lat: -6.2 } });
// @ts-expect-error TS2561: a member that is not declared
await shops.shops.update(shop, { hours: { mondey: "9–17" } });
// @ts-expect-error TS2322: an item of another type
await shops.shops.update(shop, { tags: [1] });
// @ts-expect-error TS2322: a yes or no is not text
await shops.shops.update(shop, { open: "yes" });
// @ts-expect-error TS2540: what was read is what the user saw: it is not changed in place
customer.fields.phone = "0812";
// @ts-expect-error TS2353: an option that there is not
await sync.customers.update(customer, { phone: "0812" }, { hold: 6000 });
