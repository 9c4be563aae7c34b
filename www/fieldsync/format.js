/** Times, dates and amounts as people here write them. Amounts are Indonesian in both languages. */
import { LOCALES, translator } from "./i18n.js";

/** @typedef {import("./i18n.js").Language} Language */

const MINUTE_MS = 60_000;
/** Intl objects are dear to make: one for each set of options. @type {Map<string, Intl.DateTimeFormat>} */
const dates = new Map();
/** @type {Map<Language, Intl.RelativeTimeFormat>} */
const relatives = new Map();

/** @param {Language} language @param {Intl.DateTimeFormatOptions} options */
function dateFormat(language, options) {
  const key = language + JSON.stringify(options);
  let found = dates.get(key);
  if (!found) dates.set(key, (found = new Intl.DateTimeFormat(LOCALES[language], options)));
  return found;
}

/** 10:42, or 10.42 in Indonesian. @param {Language} language @param {number} at */
export function time(language, at) {
  return dateFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false }).format(at);
}

/** The time; with the day before it if that was not today. @param {Language} language @param {number} at @param {number} [now] */
export function moment(language, at, now = Date.now()) {
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  return sameDay
    ? time(language, at)
    : `${dateFormat(language, { day: "numeric", month: "short" }).format(at)} ${time(language, at)}`;
}

/** Sat, 21 Nov 2026. A date of the schema is `YYYY-MM-DD`, without a zone. @param {Language} language @param {string | number} day */
export function date(language, day) {
  const at = typeof day === "number" ? day : new Date(`${day}T00:00:00`).getTime();
  if (Number.isNaN(at)) return String(day);
  return dateFormat(language, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(at);
}

/** 21 Nov. @param {Language} language @param {string} day `YYYY-MM-DD` */
export function day(language, day) {
  const at = new Date(`${day}T00:00:00`).getTime();
  return Number.isNaN(at) ? day : dateFormat(language, { day: "numeric", month: "short" }).format(at);
}

/** 2 min ago, 2 mnt lalu. @param {Language} language @param {number} at @param {number} [now] */
export function ago(language, at, now = Date.now()) {
  const minutes = Math.max(0, Math.round((now - at) / MINUTE_MS));
  if (minutes < 1) return translator(language)("just-now");
  let relative = relatives.get(language);
  if (!relative) relatives.set(language, (relative = new Intl.RelativeTimeFormat(LOCALES[language], { style: "short" })));
  if (minutes < 60) return relative.format(-minutes, "minute");
  if (minutes < 48 * 60) return relative.format(-Math.round(minutes / 60), "hour");
  return relative.format(-Math.round(minutes / 1440), "day");
}

/** 40 s, 40 dtk; 3 min, 3 mnt. @param {Language} language @param {number} ms */
export function wait(language, ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const [value, unit] = seconds < 100 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat(LOCALES[language], { style: "unit", unit, unitDisplay: "short" })
    .format(value)
    .replace(/secs?/, "s");
}

/** Rp 12.500.000 @param {number} value @param {string} [currency] */
export function amount(value, currency = "IDR") {
  return new Intl.NumberFormat("id-ID", { style: "currency", currency, maximumFractionDigits: 0 }).format(value);
}

/** Rp 12,5 jt @param {number} value @param {string} [currency] */
export function amountShort(value, currency = "IDR") {
  return new Intl.NumberFormat("id-ID", {
    style: "currency",
    currency,
    notation: "compact",
    maximumFractionDigits: 1,
  }).format(value);
}

/** 1.2 MB @param {Language} language @param {number} count */
export function bytes(language, count) {
  const [value, unit] =
    count < 1e6 ? [count / 1e3, "kilobyte"] : count < 1e9 ? [count / 1e6, "megabyte"] : [count / 1e9, "gigabyte"];
  return new Intl.NumberFormat(LOCALES[language], { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/** A date of today's kind, in the place where the device is: `YYYY-MM-DD`. @param {number} [at] */
export function isoDay(at = Date.now()) {
  const day = new Date(at);
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${day.getFullYear()}-${pad(day.getMonth() + 1)}-${pad(day.getDate())}`;
}
