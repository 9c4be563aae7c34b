/** What merged by itself, in the dialog: nothing happens in silence. */
import { translator } from "../i18n.js";
import { fromTo } from "./diff.js";
import { h } from "./h.js";
import { labelOf, specOf, textOf } from "./values.js";

/** @param {import("../types").Conflict} conflict @param {import("./conflict-dialog.js").ConflictDialog} dialog */
export function mergedFacts(conflict, dialog) {
  const { language } = dialog;
  const { collection, fields, mergedFields, setAside = [] } = conflict;
  const t = translator(language);
  const need = h("span", null, t("conflict.need", { n: fields.length }));
  const count = mergedFields.length + setAside.length;
  if (!count) return h("p.facts", null, need);
  const show = (/** @type {string} */ field, /** @type {import("../types").Value} */ value) =>
    textOf(specOf(dialog.schema, collection, field), field, value, language, dialog.name);
  const name = (/** @type {string} */ field) => h("b", null, labelOf(collection, field, language));
  const taken = mergedFields.map(({ field, value, ...whose }) =>
    h("li", null, name(field), `: ${show(field, value)}`, h("span.muted", null, ` · ${dialog.whoAndWhen(whose)}`)),
  );
  const ruled = setAside.map(({ field, value, won, mine }) =>
    h("li", null, name(field), ": ", fromTo(show(field, value), show(field, won), language), h("span.muted", null, ` · ${t(mine ? "conflict.mine-aside" : "conflict.theirs-aside")}`)),
  );
  return h(
    "div.facts",
    null,
    need,
    h("details", null, h("summary", null, t("conflict.merged", { n: count })), h("ul", null, taken, ruled)),
  );
}
