/**
 * Values in words: the schema says what a field is, the dictionary what it is called. An app names its fields with the keys
 * `field.<collection>.<field>` and `enum.<field>.<value>`; what has no name shows its own.
 */
import * as format from "../format.js";
import { translator } from "../i18n.js";

/**
 * @typedef {import("../types").Value} Value
 * @typedef {import("../i18n.js").Language} Language
 * @typedef {{ type: string, values?: string[], required?: boolean, length_max?: number, policy?: string, min?: number, max?: number,
 *   refers_to?: string, mode?: string, read_only?: boolean, pattern?: string, normalise?: string, transitions?: { [from: string]: string[] } }} FieldSpec
 * @typedef {{ collections: { name: string, title: string, fields: object }[] }} Schema
 * @typedef {(collection: string, id: string) => string | undefined} NameOf
 */

/** @param {Schema | undefined} schema @param {string} collection @param {string} field @returns {FieldSpec} */
export function specOf(schema, collection, field) {
  const found = schema?.collections.find(({ name }) => name === collection);
  return /** @type {{ [field: string]: FieldSpec }} */ (found?.fields)?.[field] ?? { type: "string" };
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

/** @param {string} collection @param {string} field @param {Language} language */
export function labelOf(collection, field, language) {
  return word(`field.${collection}.${field}`, humanise(field), language);
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
  if (typeof value === "object") return objectText(value);
  if (spec.type === "enum") return enumLabel(field, String(value), language);
  if (spec.type === "date") return format.date(language, String(value));
  if (spec.type === "time" && typeof value === "number") return format.moment(language, value);
  if (spec.type === "reference" || spec.type === "user")
    return nameOf?.(spec.refers_to ?? "users", String(value)) ?? String(value);
  return typeof value === "number" ? new Intl.NumberFormat("id-ID").format(value) : value;
}

/** @param {{ [name: string]: Value }} value */
function objectText(value) {
  if (typeof value.amount === "number") return format.amount(value.amount, String(value.currency ?? "IDR"));
  return Object.entries(value)
    .map(([name, part]) => `${humanise(name)}: ${typeof part === "object" ? JSON.stringify(part) : part}`)
    .join(", ");
}

/**
 * Both values as one, where that has a meaning and is neither of the two: lists and notes.
 * @param {FieldSpec} spec @param {Value} mine @param {Value} theirs @param {Value} before
 * @returns {Value | undefined}
 */
export function mergeBoth(spec, mine, theirs, before) {
  if (Array.isArray(mine) && Array.isArray(theirs)) return bothLists(mine.map(String), theirs.map(String), before);
  const prose = spec.policy === "append" || (spec.length_max ?? 0) >= 1000;
  if (!prose || typeof mine !== "string" || typeof theirs !== "string" || !mine || !theirs) return undefined;
  if (mine.includes(theirs) || theirs.includes(mine)) return undefined;
  // What both kept of the text before is said once.
  const kept = typeof before === "string" && before && mine.startsWith(before) && theirs.startsWith(before) ? before : "";
  return [theirs, mine.slice(kept.length).trim()].filter(Boolean).join("\n");
}

/** Theirs without what I took out, and with what I put in. @param {string[]} mine @param {string[]} theirs @param {Value} before */
function bothLists(mine, theirs, before) {
  const was = Array.isArray(before) ? before.map(String) : [];
  const both = [...theirs.filter((item) => mine.includes(item) || !was.includes(item))];
  both.push(...mine.filter((item) => !was.includes(item) && !both.includes(item)));
  const same = (/** @type {string[]} */ list) => list.length === both.length && list.every((item) => both.includes(item));
  return same(mine) || same(theirs) ? undefined : both;
}
