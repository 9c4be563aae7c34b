/** What is chosen to be on a device. */
import { shops, sync } from "../clients.js";

await sync.select({ activities: { days: 30, whose: "mine" }, pipelines: false, customers: true });
const preview = await sync.previewSelection({ activities: { days: 30 } });
preview.frees.records + (preview.fetches?.bytes ?? 0) + preview.unsent;
preview.collections.activities.here.records satisfies number;
sync.selection.activities.here satisfies "whole" | "part" | "loading" | "nothing";
sync.selection.customers.since satisfies number | undefined;
await shops.select({ shops: false });
await sync.pause();
await sync.resume();
sync.status.progress?.leftMs satisfies number | undefined;
