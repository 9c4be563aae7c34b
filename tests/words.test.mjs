/** What the elements say, in both languages: names of fields and of their members, and the line of the bar. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";

Object.defineProperty(globalThis, "navigator", { configurable: true, value: { userAgent: "a computer" } });
const FOLDER = new URL("../www/fieldsync/", import.meta.url).pathname;
const contents = `
export { addWords } from "./i18n.js";
export { labelOf, specOf, textOf } from "./elements/values.js";
export { barLine } from "./elements/bar-line.js";
`;
const { outputFiles } = await build({ stdin: { contents, resolveDir: FOLDER }, bundle: true, format: "esm", write: false });
const { addWords, labelOf, specOf, textOf, barLine } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

const NOW = new Date(2026, 10, 21, 10, 42).getTime();
const schema = { collections: [{ name: "shops", title: "name", fields: { hours: { type: "object", by_member: true }, seats: { type: "object", by_member: true } } }] };

addWords("en", { "field.shops.hours": "Opening hours", "field.shops.hours.mon": "Monday" });
addWords("id", { "field.shops.hours": "Jam buka", "field.shops.hours.mon": "Senin" });

test("a member of a field has a name of its own, alone and within the whole, and one without a name shows its key", () => {
  assert.equal(labelOf("shops", "hours.mon", "en"), "Opening hours · Monday");
  assert.equal(labelOf("shops", "hours.mon", "id"), "Jam buka · Senin");
  assert.equal(labelOf("shops", "hours.day_off", "id"), "Jam buka · Day off");
  const whole = (language) => textOf(specOf(schema, "shops", "hours"), "hours", { mon: "9–17", day_off: "Sun" }, language);
  assert.equal(whole("en"), "Monday: 9–17, Day off: Sun");
  assert.equal(whole("id"), "Senin: 9–17, Day off: Sun");
});

test("a member is asked for as what its values are", () => {
  const kind = (...values) => specOf(schema, "shops", "seats.in", values).type;
  assert.deepEqual([kind(null, 4, 3), kind(true), kind(["a"]), kind("x"), kind(null)], ["number", "boolean", "array", "string", "string"]);
});

const status = (facts) => ({ state: "offline", pending: 0, sending: { done: 0, total: 0, name: "" }, failed: 0, conflicts: 0, putOff: 0, unknown: 0, lastSyncedAt: NOW, background: true, ...facts });
const said = (facts, language = "en") => {
  const { text, more } = barLine(status(facts), language, NOW);
  return [text, ...more].join(" · ");
};

test("what only an answer makes true is never called saved here", () => {
  assert.equal(said({ pending: 2 }), "Offline – 2 records saved on this device");
  assert.equal(said({ pending: 3, unknown: 1 }), "Offline – 2 records saved on this device · 1 not known yet – we will ask again");
  assert.equal(said({ pending: 1, unknown: 1 }), "Offline – showing data of 10:42 · 1 not known yet – we will ask again");
  assert.equal(said({ pending: 1, unknown: 1 }, "id"), "Offline – data pukul 10.42 · 1 belum diketahui – akan kami tanyakan lagi");
  assert.equal(said({ state: "waiting", pending: 1, unknown: 1 }), "1 change is not known yet – we will ask again");
  assert.equal(said({ state: "waiting", pending: 2, unknown: 1 }), "1 record saved on this device – waiting to be sent · 1 not known yet – we will ask again");
  assert.equal(said({ state: "waiting", pending: 1, unknown: 1, nextAttemptAt: NOW + 40_000 }), "Waiting for the server – next try in 40 s · 1 not known yet – we will ask again");
  assert.equal(said({ state: "failed", pending: 2, failed: 1, unknown: 1 }), "1 record couldn't be sent · 1 not known yet – we will ask again");
});
