/** What happened to a record: saved, sent, merged, decided. */
import { format, h } from "../fieldsync/index.js";
import { asideWords, looked } from "./merged.js";

const HISTORY_MAX = 500;

/** @param {import("./main.js").App} app @param {{ collection: import("./session.js").CollectionName, id: string }} which */
export async function showStory(app, { collection, id }) {
  const { sync, t, language } = app;
  const [record, outbox, history] = await Promise.all([
    sync.collection(collection).get(id),
    sync.outbox.list(),
    sync.history.list(HISTORY_MAX),
  ]);
  /** @type {{ at: number, text: string }[]} */
  const lines = [];
  for (const entry of outbox.filter((each) => each.id === id && each.collection === collection)) {
    for (const change of entry.changes) lines.push({ at: change.savedAt, text: t("story.saved") });
    if (entry.attempts) lines.push({ at: Date.now(), text: t("centre.attempts", { n: entry.attempts }) });
    if (entry.problem) lines.push({ at: Date.now(), text: entry.problem.detail || entry.problem.title });
  }
  for (const entry of history.filter(
    (/** @type {import("../fieldsync/types").HistoryEntry} */ each) => each.id === id && each.collection === collection,
  ))
    lines.push({ at: entry.at, text: t(`story.${entry.end}`) });
  if (record)
    for (const lost of record.setAside ?? [])
      lines.push({ at: lost.at ?? record.at ?? Date.now(), text: t("story.merged", { text: asideWords(app, record, lost) }) });
  if (record?.at)
    lines.push({
      at: record.at,
      text: t("story.server", { who: record.by?.id === sync.user ? t("story.you") : (record.by?.name ?? "") }),
    });
  lines.sort((a, b) => a.at - b.at);
  const dialog = /** @type {HTMLDialogElement} */ (
    h(
      "dialog.ask-dialog",
      { "aria-labelledby": "story-title", onclose: () => dialog.remove() },
      h(
        "form.stack",
        { method: "dialog" },
        h("h2", { id: "story-title", tabIndex: -1 }, t("story")),
        h(
          "ol.story",
          null,
          lines.map(({ at, text }) => h("li", null, h("span.muted", null, format.moment(language, at)), " ", text)),
          !lines.length && h("li", null, t("story.none")),
        ),
        record?.conflict &&
          h("button.button.primary.wide", { type: "button", onclick: () => (dialog.close(), void app.decide(collection, id)) }, t("do.choose")),
        h("button.button.wide", { value: "" }, t("close")),
      ),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  looked(app, [record]);
}
