/** Many conflicts of one cause, decided together: what would change is shown before it is saved. */
import { translator } from "../i18n.js";
import { causeWords } from "./cause-words.js";
import { cards } from "./conflict-cards.js";
import { fromTo } from "./diff.js";
import { h } from "./h.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @typedef {import("../types").Conflict} Conflict
 * @typedef {import("../types").ConflictGroup} ConflictGroup
 * @typedef {import("./conflict-dialog.js").ConflictDialog} ConflictDialog
 * @typedef {"mine" | "theirs"} Side
 */

/** @param {ConflictGroup} group @param {ConflictDialog} dialog */
export function groupParts(group, dialog) {
  const { language } = dialog;
  const t = translator(language);
  const n = group.conflicts.length;
  const preview = h("div.preview");
  const said = h("p.sr", { role: "status" });
  const show = (/** @type {Side} */ side) => {
    const words = t(`conflict.group.${group.kind}.${side}.preview`, { n });
    said.textContent = words;
    preview.replaceChildren(h("h3", null, words), h("ul.records", null, group.conflicts.map((each) => record(each, side, dialog))));
  };
  const word = (/** @type {Side} */ side) =>
    /** @type {[string, string]} */ ([t(`conflict.group.${group.kind}.${side}`), t(`conflict.group.${group.kind}.${side}.hint`)]);
  const asked = cards("*", t("conflict.question"), { mine: word("mine"), theirs: word("theirs") }, show);
  preview.append(h("p.muted", null, t("conflict.group.preview.none")));
  const read = () => {
    const chosen = asked.read();
    if (chosen) return chosen;
    asked.complain(t("conflict.missing"));
    asked.focus();
    return undefined;
  };
  return {
    title: causeWords(group, dialog.user, language),
    facts: [h("p.facts", null, t("conflict.group.hint", { n }))],
    body: [asked.node, said, h("section", { "aria-label": t("conflict.group.preview") }, preview)],
    read,
  };
}

/** A record, and what of it would change. @param {Conflict} conflict @param {Side} side @param {ConflictDialog} dialog */
function record(conflict, side, dialog) {
  const { kind, title } = conflict;
  const whole = kind !== "fields";
  const t = translator(dialog.language);
  const fate = whole && h("span.muted.small", null, t(`conflict.group.${kind}.${side}.one`));
  const stays = (kind === "deleted-by-them") === (side === "mine");
  const rows = whole ? (stays ? (conflict.changed ?? []) : []) : conflict.fields;
  return h("li", null, h("b", null, title), fate, rows.map((field) => row(conflict, field, side, dialog)));
}

/** Field: from → to. @param {Conflict} conflict @param {import("../types").ConflictField} field @param {Side} side @param {ConflictDialog} dialog */
function row({ kind, collection }, { field, before, mine, theirs }, side, dialog) {
  const { language } = dialog;
  const spec = specOf(dialog.schema, collection, field);
  const show = (/** @type {import("../types").Value} */ value) => textOf(spec, field, value, language, dialog.name);
  const [from, to] = kind !== "fields" ? [before, side === "mine" ? mine : theirs] : side === "mine" ? [theirs, mine] : [mine, theirs];
  return h("p", null, `${labelOf(collection, field, language)}: `, fromTo(show(from), show(to), language));
}
