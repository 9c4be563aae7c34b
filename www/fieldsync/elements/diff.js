/** What a value has that another had not: for eyes with `<ins>` and `<del>`, for ears in words. */
import { translator } from "../i18n.js";
import { parts } from "./diff-parts.js";
import { h } from "./h.js";

/** Up to here a value is read whole, and only the eye is shown the place. */
const SHORT_MAX = 40;

/**
 * A value with what it changed of another one marked.
 * @param {string} shown @param {string} before What it is compared with; empty for nothing. @param {import("../i18n.js").Language} language
 * @returns {any[]}
 */
export function marked(shown, before, language) {
  const t = translator(language);
  const found = parts(before, shown);
  if (!found) return [shown];
  if (shown.length <= SHORT_MAX && !shown.includes("\n")) {
    // What went is shown only where nothing came for it: the value before stands above.
    const came = found.some(({ how }) => how === "added");
    const seen = found.filter(({ how }) => how !== "removed" || !came).map(({ text, how }) => (how === "same" ? text : h(how === "added" ? "ins" : "del", null, text)));
    return [h("span", { "aria-hidden": "true" }, seen), h("span.sr", null, t("diff.changed", { value: shown }))];
  }
  return found.map(({ text, how }) => (how === "same" ? text : changed(text, how, t)));
}

/** @param {string} text @param {"added" | "removed"} how @param {import("../i18n.js").Translate} t */
function changed(text, how, t) {
  return h(how === "added" ? "ins" : "del", null, h("span.sr", null, ` ${t(`diff.${how}`)} `), text, h("span.sr", null, ` ${t("diff.end")} `));
}

/** The items of a list, those that came and those that went marked. @param {string[]} shown @param {string[]} before @param {import("../i18n.js").Language} language */
export function markedList(shown, before, language) {
  const t = translator(language);
  const gone = before.filter((text) => !shown.includes(text));
  const item = (/** @type {string} */ text, /** @type {number} */ at) => {
    const how = at >= shown.length ? "removed" : before.length && !before.includes(text) ? "added" : undefined;
    return [h("span.item", null, how ? changed(text, how, t) : text), at < shown.length + gone.length - 1 && h("span.sr", null, ", ")];
  };
  return h("span.items", null, [...shown, ...gone].map(item));
}

/** "from → to", also for ears. @param {string} from @param {string} to @param {import("../i18n.js").Language} language */
export function fromTo(from, to, language) {
  const t = translator(language);
  return [
    h("del", null, h("span.sr", null, `${t("diff.from")} `), from),
    h("span", { "aria-hidden": "true" }, " → "),
    h("ins", null, h("span.sr", null, ` ${t("diff.to")} `), to),
  ];
}
