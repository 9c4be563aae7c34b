/** What needs a person. */
import type { Choices, Conflict } from "../../../www/fieldsync/fieldsync.js";
import { shops, sync } from "../clients.js";

for (const conflict of await sync.conflicts.list()) {
  if (conflict.collection === "customers") {
    await sync.conflicts.resolve(conflict, { phone: "mine", city: "theirs", name: { value: "PT Askrindo" }, address: { value: null } });
    await sync.conflicts.check(conflict, { "*": "two" });
    for (const place of conflict.fields) if (place.field === "visits") (place.mine ?? 0) + (place.theirs ?? 0);
    conflict.theirs?.name.trim();
  }
  // Without looking at what it is of.
  const choices = Object.fromEntries(conflict.fields.map(({ field }) => [field, "mine" as const]));
  const { undo } = await sync.conflicts.resolve(conflict, choices, { holdMs: 6000 });
  await undo();
  await sync.conflicts.putOff(conflict);
  // What takes any conflict takes this one.
  const any: Conflict = conflict;
  any.fields.map(({ field, before }) => `${field} ${before}`);
}
for (const group of await sync.conflicts.groups()) {
  group.collection satisfies "customers" | "pipelines" | "activities" | "preferences" | "settings";
  await sync.conflicts.resolveAll(group.conflicts, "theirs");
}
for (const conflict of await shops.conflicts.list()) {
  if (conflict.collection !== "shops") continue;
  await shops.conflicts.resolve(conflict, { "hours.monday": "mine", "extras.anything": { value: 1 }, open: { value: true } });
}
for (const { collection, id, setAside } of await sync.merged.list()) {
  await sync.merged.looked({ collection, id });
  if (setAside[0]) await sync.merged.putBack({ collection, id }, setAside[0]);
}
const loose: Choices = { anything: "two" };
loose satisfies object;
