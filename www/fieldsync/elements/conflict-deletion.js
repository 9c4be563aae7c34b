/** A record that one side deleted and the other changed: it has its own words, and is answered as a whole. */
import { ago } from "../format.js";
import { translator } from "../i18n.js";
import { cards } from "./conflict-cards.js";
import { fromTo } from "./diff.js";
import { h } from "./h.js";
import { self } from "./people.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @typedef {import("../types").Conflict} Conflict
 * @typedef {import("./conflict-dialog.js").ConflictDialog} ConflictDialog
 */

/** @param {Conflict} conflict @param {ConflictDialog} dialog @returns {import("./conflict-dialog.js").Question} */
export function deletionBody(conflict, dialog) {
  const { language } = dialog;
  const t = translator(language);
  const byThem = conflict.kind === "deleted-by-them";
  const asked = cards("*", t("conflict.question"), {
    mine: [t(byThem ? "conflict.restore" : "conflict.keep-deleted"), t(byThem ? "conflict.restore.hint" : "conflict.keep-deleted.hint")],
    theirs: [
      t(byThem ? "conflict.accept-deletion" : "conflict.keep-theirs"),
      t(byThem ? "conflict.accept-deletion.hint" : "conflict.keep-theirs.hint"),
    ],
  });
  const facts = t(`conflict.${byThem ? "by-them" : "by-me"}${self(conflict, dialog.user)}`, {
    who: dialog.whoAndWhen(conflict),
    when: conflict.at ? ago(language, conflict.at) : "",
  });
  const mine = t(byThem ? "conflict.by-them.mine" : "conflict.by-me.mine", { when: dialog.whenMine(conflict) });
  return { ...asked, name: "*", node: h("div", null, h("p.facts", null, facts, " ", mine), changes(conflict, dialog, byThem), asked.node) };
}

/** What the side that did not delete has changed. @param {Conflict} conflict @param {ConflictDialog} dialog @param {boolean} byThem */
function changes(conflict, dialog, byThem) {
  if (!conflict.changed?.length) return null;
  const t = translator(dialog.language);
  return h(
    "section.changes",
    null,
    h("h3", null, t(byThem ? "conflict.your-change" : "conflict.their-change")),
    h("dl", null, conflict.changed.map((field) => changeRow(conflict, field, dialog, byThem ? "mine" : "theirs"))),
  );
}

/** @param {Conflict} conflict @param {import("../types").ConflictField} field @param {ConflictDialog} dialog @param {"mine" | "theirs"} side */
function changeRow(conflict, field, dialog, side) {
  const { language } = dialog;
  const spec = specOf(dialog.schema, conflict.collection, field.field);
  const show = (/** @type {import("../types").Value} */ value) => textOf(spec, field.field, value, language, dialog.name);
  return [h("dt", null, labelOf(conflict.collection, field.field, language)), h("dd", null, fromTo(show(field.before), show(field[side]), language))];
}
