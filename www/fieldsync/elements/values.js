/**
 * Values in words: the schema says what a field is, the dictionary what it is called. An app names its fields with the keys
 * `field.<collection>.<field>` (a member of an object: `field.<collection>.<field>.<member>`) and `enum.<field>.<value>`; what has no
 * name shows its own.
 */
import * as format from "../format.js";
import { translator } from "../i18n.js";

/**
 * @typedef {import("../types").Value} Value
 * @typedef {import("../i18n.js").Language} Language
 * @typedef {{ type: string, values?: string[], required?: boolean, length_max?: number, policy?: string, min?: number, max?: number,
 *   collection?: string, refers_to?: string, mode?: string, read_only?: boolean, pattern?: string, normalise?: string, transitions?: { [from: string]: string[] },
 *   by_member?: boolean, members?: string[] }} FieldSpec `members`: those that a form asks for.
 * @typedef {{ collections: { name: string, title: string, fields: object }[] }} Schema
 * @typedef {(collection: string, id: string) => string | undefined} NameOf
 */

/**
 * What a field is. Of a member the schema says nothing: its values tell.
 * @param {Schema | undefined} schema @param {string} collection @param {string} field A field, or one member of it.
 * @param {(Value | undefined)[]} [values] @returns {FieldSpec}
 */
export function specOf(schema, collection, field, values = []) {
  if (field.includes(".")) return { type: kindOf(values), collection };
  const found = schema?.collections.find(({ name }) => name === collection);
  const spec = /** @type {{ [field: string]: FieldSpec }} */ (found?.fields)?.[field] ?? { type: "string" };
  return { ...spec, collection };
}

/** @param {(Value | undefined)[]} values */
function kindOf(values) {
  const some = values.find((value) => value !== undefined && value !== null);
  if (Array.isArray(some)) return "array";
  return some === undefined ? "string" : typeof some;
}

/** @param {string} key @param {string} fallback @param {Language} language */
export function word(key, fallback, language) {
  const found = translator(language)(key);
  return found === key ? fallback : found;
}

/** @param {string} text */
function humanise(text) {
  const spaced = text.replace(/[_-]/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** @param {string} collection @param {string} field A field, or one member of it. @param {Language} language @returns {string} */
export function labelOf(collection, field, language) {
  const [whole, member] = field.split(".");
  if (member !== undefined) return `${labelOf(collection, whole, language)} · ${memberLabel(collection, whole, member, language)}`;
  return word(`field.${collection}.${field}`, humanise(field), language);
}

/** @param {string} collection @param {string} field @param {string} member @param {Language} language */
export function memberLabel(collection, field, member, language) {
  return word(`field.${collection}.${field}.${member}`, humanise(member), language);
}

/** @param {string} field @param {string} value @param {Language} language */
export function enumLabel(field, value, language) {
  return word(`enum.${field}.${value}`, humanise(value), language);
}

/**
 * @param {FieldSpec} spec @param {string} field @param {Value | undefined} value @param {Language} language
 * @param {NameOf} [nameOf] For references.
 * @returns {string}
 */
export function textOf(spec, field, value, language, nameOf) {
  const t = translator(language);
  if (value === undefined || value === null || value === "") return t("value.none");
  if (typeof value === "boolean") return t(value ? "value.yes" : "value.no");
  if (Array.isArray(value)) return value.length ? value.map(String).join(", ") : t("value.none");
  if (typeof value === "object") return objectText(value, (member) => memberLabel(spec.collection ?? "", field, member, language));
  if (spec.type === "enum") return enumLabel(field, String(value), language);
  if (spec.type === "date") return format.date(language, String(value));
  if (spec.type === "time" && typeof value === "number") return format.moment(language, value);
  if (spec.type === "reference" || spec.type === "user")
    return nameOf?.(spec.refers_to ?? "users", String(value)) ?? String(value);
  return typeof value === "number" ? new Intl.NumberFormat("id-ID").format(value) : value;
}

/** @param {{ [name: string]: Value }} value @param {(member: string) => string} label */
function objectText(value, label) {
  if (typeof value.amount === "number") return format.amount(value.amount, String(value.currency ?? "IDR"));
  return Object.entries(value)
    .map(([name, part]) => `${label(name)}: ${typeof part === "object" ? JSON.stringify(part) : part}`)
    .join(", ");
}
