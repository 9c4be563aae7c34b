/** What may be written. */
import type { NewOf, PatchOf, RecordOf } from "../../../www/fieldsync/fieldsync.js";
import type { Schema } from "../../../www/schema.js";
import { shops, sync } from "../clients.js";

const id = sync.newId();
const customer = await sync.customers.create({ name: "PT Askrindo", segment: "retail", city: null, tags: ["a", 1] }, { id, row: id });
await sync.customers.update(customer, { phone: "0812", visits: 3, next_visit: "2026-12-01", last_visit: Date.now() });
await sync.customers.update(customer, { phone: null }, { holdMs: 6000 });
// Of mode "online": by itself.
await sync.customers.update(customer, { owner: sync.user });
await sync.settings.create({ company: "PT Kopi" });
await sync.customers.remove(customer);

// An id that is only text, of an address or a form, is an id.
const typed = new URLSearchParams("customer=…").get("customer") ?? "";
const deal = await sync.pipelines.create({ customer: typed, title: "Kopi, 20 kg", stage: "lead", value: { amount: 1, currency: "IDR" } });
await sync.batch((tx) => {
  const visit = tx.activities.create({ customer: customer.id, pipeline: deal.id, kind: "visit", subject: "…", at: Date.now() });
  tx.activities.create({ customer: customer.id, kind: "call", subject: visit, at: 0 }, { id: sync.newId() });
  tx.pipelines.update(deal, { stage: "qualified" });
  tx.customers.remove(customer);
});

// Put together step by step.
const patch: PatchOf<Schema, "customers"> = {};
patch.city = "Bandung";
await sync.customers.update(customer, patch);
const fresh: NewOf<Schema, "customers"> = { name: "CV Maju" };
const read: RecordOf<Schema, "customers"> = await sync.customers.create(fresh);
read satisfies typeof customer;

const frozen: readonly string[] = ["a"];
const shop = await shops.shops.create({ name: "Toko", open: true, tags: frozen, place: { lat: -6.2, lon: 106.8 }, hours: { monday: "9–17" } });
await shops.shops.update(shop, { neighbours: [shop.id, sync.newId()], open: false, extras: { anything: [1, null, { a: "b" }] } });
// A collection that has the name of a member.
await shops.collection("status").create({ label: "open" });
shops.status.state satisfies string;
