/** What a discard would take with it, value by value: shown before it is done, where nobody else has it any more. */
import { translator } from "../i18n.js";
import { h } from "./h.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @typedef {import("./sync-centre.js").SyncCentre} SyncCentre
 * @typedef {import("../types").OutboxEntry} OutboxEntry
 */

/** So many values are shown, each with so many characters at most. */
const LINES_SHOWN = 8;
const VALUE_SHOWN = 120;

/**
 * A button that first opens what would go.
 * @param {SyncCentre} centre @param {string} key @param {string} words @param {OutboxEntry[]} entries @param {() => void} discard
 */
export function discardPart(centre, key, words, entries, discard) {
  const t = translator(centre.language);
  const lines = entries.flatMap((entry) => linesOf(centre, entry, entries.length > 1));
  const more = lines.length - LINES_SHOWN;
  const id = `discard-${key}`;
  return h(
    "details.going",
    { id },
    h("summary", { dataset: { key: id } }, words),
    h("p.small", null, t("centre.going")),
    h("ul.going", null, lines.slice(0, LINES_SHOWN), more > 0 && h("li.muted", null, t("centre.going.more", { n: more }))),
    h("div.actions", null, h("button.button.small", { type: "button", "aria-label": `${t("centre.going.yes")}: ${words}`, dataset: { key: `yes:${key}` }, onclick: discard }, t("centre.going.yes"))),
  );
}

/** The values of a record that were written and not sent, the newest of each field. @param {SyncCentre} centre @param {OutboxEntry} entry @param {boolean} named */
function linesOf(centre, { collection, title, action, changes }, named) {
  const { language, schema } = centre;
  const of = () => (named ? [h("b", null, title), " · "] : []);
  if (action === "delete") return [h("li", null, of(), translator(language)("action.delete"))];
  /** @type {import("../types").Fields} */
  const written = Object.assign({}, ...changes.map((change) => change.written));
  return Object.entries(written).map(([field, value]) =>
    h("li", null, of(), `${labelOf(collection, field, language)}: `, h("span.value", null, cut(textOf(specOf(schema, collection, field), field, value, language, centre.name)))),
  );
}

/** @param {string} text */
function cut(text) {
  const letters = [...text];
  return letters.length > VALUE_SHOWN ? `${letters.slice(0, VALUE_SHOWN).join("")}…` : text;
}
