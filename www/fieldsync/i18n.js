/**
 * Words in English and Indonesian: plain JSON, with `{name}` for what varies and plural forms where a language has them.
 */
import en from "./locales/en.json";
import id from "./locales/id.json";

/**
 * @typedef {"en" | "id"} Language
 * @typedef {string | { [form: string]: string }} Word
 * @typedef {{ [key: string]: Word }} Words
 * @typedef {(key: string, values?: { [name: string]: string | number }) => string} Translate
 */

/** @type {{ [language in Language]: Words }} */
const dictionaries = { en: { ...en }, id: { ...id } };
/** @type {Map<Language, Translate>} */
const translators = new Map();

export const LOCALES = { en: "en-GB", id: "id-ID" };

/** An app's own words; the same key replaces one of the library's. @param {Language} language @param {Words} words */
export function addWords(language, words) {
  Object.assign(dictionaries[language], words);
}

/** @returns {Language} */
export function deviceLanguage() {
  return navigator.languages?.find((tag) => /^(en|id|in)\b/.test(tag))?.match(/^i[dn]/) ? "id" : "en";
}

/** Whether "phone" is the right word for what this runs on. */
export function isPhone() {
  const { userAgentData, userAgent } = /** @type {{ userAgentData?: { mobile: boolean }, userAgent: string }} */ (
    /** @type {unknown} */ (navigator)
  );
  return userAgentData?.mobile ?? /Mobi|Android|iPhone|iPad/.test(userAgent);
}

/** @param {Language} language @returns {Translate} */
export function translator(language) {
  let found = translators.get(language);
  if (!found) translators.set(language, (found = makeTranslator(language)));
  return found;
}

/** @param {Language} language @returns {Translate} */
function makeTranslator(language) {
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(LOCALES[language]);
  /** @type {Translate} */
  const translate = (key, values = {}) => {
    const word = dictionaries[language][key] ?? dictionaries.en[key] ?? key;
    const text = typeof word === "string" ? word : (word[plural.select(Number(values.n ?? 0))] ?? word.other);
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name];
      if (value === undefined) return name === "device" ? translate(isPhone() ? "device.phone" : "device.device") : "";
      return typeof value === "number" ? number.format(value) : value;
    });
  };
  return translate;
}
