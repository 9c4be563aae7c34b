/** A record that one side deleted and the other changed: it has its own words, and is answered as a whole. */
import { ago } from "../format.js";
import { translator } from "../i18n.js";
import { h } from "./h.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @param {import("../types").Conflict} conflict
 * @param {import("./conflict-dialog.js").ConflictDialog} dialog
 * @returns {import("./conflict-dialog.js").Question}
 */
export function deletionBody(conflict, dialog) {
  const { language } = dialog;
  const t = translator(language);
  const byThem = conflict.kind === "deleted-by-them";
  const facts = t(byThem ? "conflict.by-them" : "conflict.by-me", {
    who: dialog.who(conflict.by),
    when: conflict.at ? ago(language, conflict.at) : "",
  });
  /** @type {"mine" | "theirs" | undefined} */
  let chosen;
  const error = h("p.error", { role: "alert" });
  /** @type {HTMLInputElement[]} */
  const radios = [];
  const card = (/** @type {"mine" | "theirs"} */ value, /** @type {string} */ words) => {
    const onchange = () => {
      chosen = value;
      error.textContent = "";
    };
    const radio = h("input", { type: "radio", name: "choice-whole", value, onchange });
    radios.push(radio);
    return h("label.card", null, radio, h("b", null, words));
  };
  const node = h(
    "div",
    null,
    h("p", null, facts),
    changes(conflict, dialog, byThem),
    h(
      "fieldset",
      null,
      h("legend", null, t("conflict.question")),
      card("mine", t(byThem ? "conflict.restore" : "conflict.keep-deleted")),
      card("theirs", t(byThem ? "conflict.accept-deletion" : "conflict.keep-theirs")),
      error,
    ),
  );
  return {
    name: "*",
    node,
    canMerge: false,
    read: () => chosen,
    focus: () => radios[0].focus(),
    complain: (text) => void (error.textContent = text),
    choose() {},
  };
}

/** What the side that did not delete has changed. @param {import("../types").Conflict} conflict @param {import("./conflict-dialog.js").ConflictDialog} dialog @param {boolean} byThem */
function changes(conflict, dialog, byThem) {
  if (!conflict.fields.length) return null;
  const { language } = dialog;
  const t = translator(language);
  const rows = conflict.fields.map(({ field, before, mine, theirs }) => {
    const spec = specOf(dialog.schema, conflict.collection, field);
    const show = (/** @type {import("../types").Value} */ value) => textOf(spec, field, value, language, dialog.nameOf);
    return [
      h("dt", null, labelOf(conflict.collection, field, language)),
      h("dd", null, h("del", null, show(before)), " → ", h("ins", null, show(byThem ? mine : theirs))),
    ];
  });
  return h(
    "section.changes",
    null,
    h("h3", null, t(byThem ? "conflict.your-change" : "conflict.their-change")),
    h("dl", null, rows),
  );
}
