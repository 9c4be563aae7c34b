/** The database or the engine could not be opened: say what to do, and lose nothing. */
import { h, isSyncError } from "../../fieldsync/index.js";

/** @param {import("../main.js").App} app @param {unknown} failure @param {() => Promise<void>} retry */
export function trouble(app, failure, retry) {
  const { t } = app;
  const code = isSyncError(failure) ? failure.code : "storage-unknown";
  const known = t(`trouble.${code}`);
  const words = known.startsWith("trouble.") ? t("trouble.other") : known;
  const detail = failure instanceof Error ? failure.message : String(failure);
  const node = h(
    "section.card.alone",
    null,
    h("h1", { tabIndex: -1 }, t("trouble")),
    h("p", null, words),
    h("p.muted.small", null, `${code} · ${detail}`),
    h(
      "div.actions",
      null,
      h("button.button.primary", { type: "button", onclick: () => location.reload() }, t("do.reload")),
      h("button.button", { type: "button", onclick: () => void retry() }, t("centre.retry")),
    ),
  );
  return { title: t("trouble"), node, section: "trouble" };
}
