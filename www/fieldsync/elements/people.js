/** Who did something, and when, in words. */
import { ago, day, time } from "../format.js";
import { LOCALES, translator } from "../i18n.js";
import { word } from "./values.js";

/**
 * @typedef {import("../i18n.js").Language} Language
 * @typedef {{ by?: import("../types").By, at?: number, here?: boolean }} Whose
 */

/** To make one takes longer than to draw a row. @type {Map<Language, Intl.ListFormat>} */
const lists = new Map();

/** "Ahmad (Manager)"; "You, on another phone". @param {Whose} whose @param {string} user @param {Language} language */
export function who({ by, here }, user, language) {
  const t = translator(language);
  if (!by) return t("conflict.someone");
  if (by.id === user) return t(here ? "conflict.you-here" : "conflict.you-elsewhere");
  return by.role ? `${by.name} (${word(`role.${by.role}`, by.role, language)})` : by.name;
}

/** What to add to a word's key where the sentence is about the user: ".you", on another device, or ".here". @param {Whose} whose @param {string} user */
export function self({ by, here }, user) {
  return by?.id !== user ? "" : here ? ".here" : ".you";
}

/** "Ahmad (Manager), 2 min ago" @param {Whose} whose @param {string} user @param {Language} language */
export function whoAndWhen(whose, user, language) {
  const name = who(whose, user, language);
  return whose.at ? translator(language)("conflict.who", { who: name, when: ago(language, whose.at) }) : name;
}

/** "at 10:05"; "on 21 Nov at 10:05" @param {Language} language @param {number} at @param {number} [now] */
export function atTime(language, at, now = Date.now()) {
  const t = translator(language);
  const then = new Date(at);
  if (then.toDateString() === new Date(now).toDateString()) return t("when.at", { time: time(language, at) });
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const iso = `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())}`;
  return t("when.on", { day: day(language, iso), time: time(language, at) });
}

/** "Phone and Address" @param {Language} language @param {string[]} words */
export function listed(language, words) {
  let list = lists.get(language);
  if (!list) lists.set(language, (list = new Intl.ListFormat(LOCALES[language], { type: "conjunction" })));
  return list.format(words);
}
