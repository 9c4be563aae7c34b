/** What cannot be chosen. */
import { sync } from "../clients.js";

// @ts-expect-error TS2353: a collection that there is not
await sync.select({ visits: true });
// @ts-expect-error TS2820: whose it cannot be
await sync.select({ activities: { whose: "min" } });
// @ts-expect-error TS2353: what is no part
await sync.previewSelection({ activities: { weeks: 3 } });
// @ts-expect-error TS2339: a collection that there is not
sync.selection.visits;
// @ts-expect-error TS2540: it is chosen by `select`
sync.selection = sync.selection;
