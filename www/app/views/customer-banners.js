/** What a record's page says about its own synchronisation: a choice to make, a refusal, values that a rule set aside. */
import { h, icon, labelOf, self, whoAndWhen } from "../../fieldsync/index.js";
import { mergedBanner } from "../merged.js";
import { toast } from "../toast.js";

/** @typedef {import("../session.js").Customer} Customer */

/** @param {import("../main.js").App} app @param {Customer} record */
export function banners(app, record) {
  return [conflict(app, record), refusal(app, record), warned(app, record), mergedBanner(app, record)];
}

/** @param {import("../main.js").App} app @param {Customer} record */
function conflict(app, record) {
  const { collection, id, conflict: kind, putOff } = record;
  if (!kind) return null;
  const { t, sync, language } = app;
  const failed = (/** @type {unknown} */ failure) => {
    console.error(failure);
    toast(t("not-done"));
  };
  const choose = () => void app.decide(collection, id).catch(failed);
  const words = t(`customer.conflict.${kind}${self(record, sync.user)}`, { who: whoAndWhen(record, sync.user, language) });
  return h(
    "div.banner.ask",
    null,
    icon("split"),
    h("p", null, putOff && h("b", null, `${t("customer.conflict.put-off")} `), words),
    h("button.button.small", { type: "button", dataset: { key: `choose:${id}` }, onclick: choose }, t("do.choose")),
  );
}

/** @param {import("../main.js").App} app @param {Customer} record */
function refusal(app, { collection, id, status, problem }) {
  if (status !== "failed") return null;
  const { t, language } = app;
  const known = t(`problem.${problem?.code}`);
  const reason = known.startsWith("problem.") ? t("problem.other") : known;
  const field = problem?.field ?? "";
  // What is not this user's any more cannot be mended here.
  const fixable = problem?.code !== "forbidden" || field !== "";
  return h(
    "div.banner.bad",
    null,
    icon("octagon"),
    h(
      "p",
      null,
      h("b", null, t("badge.failed")),
      " · ",
      reason,
      field && ` ${t("problem.field", { field: labelOf(collection, field, language) })}`,
    ),
    fixable && h("a.button.small", { href: `/${collection}/${id}/edit?field=${field}` }, t("centre.fix")),
  );
}

/** What the server will probably refuse: better mended before. @param {import("../main.js").App} app @param {Customer} record */
function warned(app, { collection, id, status, warnings = [] }) {
  if (status === "failed") return null;
  const { t, language } = app;
  return warnings.map(({ field, rule }) =>
    h(
      "div.banner.ask",
      null,
      icon("alert"),
      h("p", null, t(`warning.${rule}`), ` ${t("problem.field", { field: labelOf(collection, field, language) })}`),
      h("a.button.small", { href: `/${collection}/${id}/edit?field=${field}` }, t("centre.fix")),
    ),
  );
}
