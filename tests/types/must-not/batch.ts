/** What a batch must not write. */
import { shops, sync } from "../clients.js";

const customer = await sync.customers.create({ name: "PT Askrindo" });
const deal = await sync.pipelines.create({ customer: customer.id, title: "Kopi", stage: "lead" });

await sync.batch((tx) => {
  // @ts-expect-error TS2551: a collection that is misspelt
  tx.customer.create({ name: "PT" });
  // @ts-expect-error TS2741: what is required is missing
  tx.pipelines.create({ customer: customer.id, title: "Kopi" });
  // @ts-expect-error TS2561: a field that is misspelt
  tx.activities.create({ customer: customer.id, kind: "visit", subject: "…", at: 0, notes: "…" });
  // @ts-expect-error TS2322: the id of a deal where a customer's is wanted
  tx.activities.create({ customer: deal.id, kind: "visit", subject: "…", at: 0 });
  // @ts-expect-error TS2353: a field of mode "online" goes by itself
  tx.customers.update(customer, { owner: sync.user });
  // @ts-expect-error TS2339: a collection of mode "online" goes by itself
  tx.settings.create({ company: "PT Kopi" });
  // @ts-expect-error TS2345: a record of another collection
  tx.customers.update(deal, { phone: "0812" });
  // @ts-expect-error TS2339: nothing is read in a batch
  tx.customers.list();
});
await shops.batch((tx) => {
  // @ts-expect-error TS2339: a collection of mode "remote" is not written
  tx.prices.create({ label: "kopi" });
});
// @ts-expect-error TS2353: a batch notes down; it waits for nothing
await sync.batch({ customers: [] });
