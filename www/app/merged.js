/** What a rule decided about a record, and the way back: nothing is merged in silence. */
import { h, icon, labelOf, specOf, textOf, whoAndWhen } from "../fieldsync/index.js";
import { toast } from "./toast.js";
import { offerUndo } from "./undo.js";

/**
 * @typedef {import("./main.js").App} App
 * @typedef {import("../fieldsync/types").RecordView} RecordView
 * @typedef {import("../fieldsync/types").SetAside} SetAside
 */

/** The line on a record's page. @param {App} app @param {RecordView} record */
export function mergedBanner(app, record) {
  const aside = record.setAside ?? [];
  if (!aside.length) return null;
  return h(
    "div.banner.off.merged",
    null,
    icon("merge"),
    h("p", null, h("b", null, app.t("merged.count", { n: new Set(aside.map(({ field }) => field)).size }))),
    h("ul.plain", null, aside.map((lost) => h("li", null, h("span", null, asideWords(app, record, lost)), putBackButton(app, record, lost)))),
  );
}

/** @param {App} app @param {RecordView} record @param {SetAside} lost */
export function asideWords({ t, sync, language }, { collection }, lost) {
  const { field, value, won, mine } = lost;
  const show = (/** @type {import("../fieldsync/types").Value} */ given) => textOf(specOf(sync.schema, collection, field), field, given, language);
  const words = { field: labelOf(collection, field, language), value: show(value), won: show(won), who: whoAndWhen(lost, sync.user, language) };
  return t(mine ? "merged.yours" : "merged.theirs", words);
}

/** @param {App} app @param {RecordView} record @param {SetAside} lost */
function putBackButton(app, record, lost) {
  const { t, sync, language } = app;
  const { field, value } = lost;
  const label = labelOf(record.collection, field, language);
  const shown = textOf(specOf(sync.schema, record.collection, field), field, value, language);
  return h(
    "button.button.small",
    {
      type: "button",
      "aria-label": t("merged.put-back.what", { field: label, value: shown }),
      dataset: { key: `put-back:${record.id}-${field}` },
      onclick: () => void putBack(app, record, lost),
    },
    t("merged.put-back"),
  );
}

/** @param {App} app @param {{ collection: string, id: string }} record @param {SetAside} lost */
export async function putBack(app, record, lost) {
  const { t, sync, language } = app;
  const row = sync.newId();
  try {
    await sync.merged.putBack(record, lost, { row });
    offerUndo(app, t("put-back.done", { field: labelOf(record.collection, lost.field, language) }), row);
  } catch (failure) {
    console.error(failure);
    toast(t("not-done"));
  }
}

/** It is on the screen now: no news any more. @param {App} app @param {(RecordView | undefined)[]} records */
export function looked({ sync }, records) {
  if (document.visibilityState !== "visible") return;
  for (const record of records) if (record?.merged) void sync.merged.looked(record).catch(() => {}); // Then it is news again.
}
