/** What is on this phone: chosen in the sync centre, and said where a list is not all there is. */
import { isManager } from "./online.js";

/** Counting looks at every record: not at each page that comes. */
const COUNT_AFTER_MS = 1_000;
/** What a person chooses from; the rest is small, and always here. */
const COLLECTIONS = ["customers", "pipelines", "activities"];

/**
 * @typedef {import("../fieldsync/types").SelectionChanges} SelectionChanges
 * @typedef {import("../fieldsync/types").SelectionPreview} SelectionPreview
 */

/** The sync centre's data about it, and what it asks for. @param {import("./main.js").App} app @param {() => Promise<void>} draw */
export function chooser(app, draw) {
  const { sync } = app;
  /** @type {SelectionPreview | undefined} */
  let here;
  /** @type {{ changes: SelectionChanges, result?: SelectionPreview | "failed" } | undefined} */
  let preview;
  const count = async () => {
    here = await sync.previewSelection({}).catch(() => undefined);
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** What is here may be more or less by now. */
  const recount = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void count().then(draw), COUNT_AFTER_MS);
  };
  const answers = {
    "selection-preview-requested": async (/** @type {{ changes: SelectionChanges }} */ { changes }) => {
      preview = { changes };
      const result = await sync.previewSelection(changes).catch(() => /** @type {const} */ ("failed"));
      if (preview.changes !== changes) return; // Something else is asked about by now.
      preview = { changes, result };
      await draw();
    },
    "selection-chosen": async (/** @type {{ changes: SelectionChanges }} */ { changes }) => {
      await sync.select(changes);
      await count();
      await draw();
    },
  };
  const data = () => ({ selection: sync.selection, collections: COLLECTIONS, team: isManager(app), here, preview });
  return { data, count, recount, answers, stop: () => clearTimeout(timer) };
}

/**
 * Why a list of customers is not all there is; nothing if it is, or comes just now.
 * @param {import("./main.js").App} app @returns {string | undefined}
 */
export function customersWords({ t, sync }) {
  const { here } = sync.selection.customers;
  return here === "nothing" ? t("customers.not-here") : here === "part" ? t("customers.part") : undefined;
}

/** The same, of a customer's deals. @param {import("./main.js").App} app @returns {string | undefined} */
export function dealsWords({ t, sync }) {
  const { here } = sync.selection.pipelines;
  if (here === "loading") return t("customers.loading");
  return here === "nothing" ? t("deals.not-here") : here === "part" ? t("deals.part") : undefined;
}

/** The same, of a customer's activities. @param {import("./main.js").App} app @returns {string | undefined} */
export function activitiesWords({ t, sync }) {
  const { here, days } = sync.selection.activities;
  if (here === "loading") return t("customers.loading");
  if (here === "nothing") return t("timeline.not-here");
  if (here === "part") return days ? t("timeline.part", { n: days }) : t("timeline.mine");
  return undefined;
}
