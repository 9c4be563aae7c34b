/** What must not be decided. */
import { shops, sync } from "../clients.js";

for (const conflict of await sync.conflicts.list()) {
  if (conflict.collection !== "customers") continue;
  // @ts-expect-error TS2561: a field that is misspelt
  await sync.conflicts.resolve(conflict, { phnoe: "mine" });
  // @ts-expect-error TS2353: a field of another collection
  await sync.conflicts.resolve(conflict, { stage: "mine" });
  // @ts-expect-error TS2322: a choice that there is not
  await sync.conflicts.resolve(conflict, { phone: "ours" });
  // @ts-expect-error TS2322: a value is not a choice: it would be taken for one
  await sync.conflicts.resolve(conflict, { name: "PT Askrindo" });
  // @ts-expect-error TS2322: a value of another type
  await sync.conflicts.check(conflict, { visits: { value: "3" } });
  // @ts-expect-error TS2322: two records are made of the whole, not of a field
  await sync.conflicts.resolve(conflict, { phone: "two" });
  // @ts-expect-error TS2367: a conflict is about fields that there are
  if (conflict.fields[0]?.field === "telephone") console.log(conflict);
}
for (const conflict of await shops.conflicts.list()) {
  if (conflict.collection !== "shops") continue;
  // @ts-expect-error TS2353: a member that is misspelt
  await shops.conflicts.resolve(conflict, { "hours.mondey": "mine" });
  // @ts-expect-error TS2353: an object that is merged whole has no places in it
  await shops.conflicts.resolve(conflict, { "place.lat": "mine" });
}
