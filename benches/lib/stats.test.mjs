import assert from "node:assert/strict";
import test from "node:test";
import { chart } from "./chart.mjs";
import { compare } from "./compare.mjs";
import { changeOf, customers } from "./customers.mjs";
import { OURS, THEIRS } from "./libraries.mjs";
import { isMissed, table } from "./report.mjs";
import { isSlower } from "./scenes.mjs";
import { SIZES } from "./sizes.mjs";
import { percentile, summary } from "./stats.mjs";

test("the median and its spread", () => {
  assert.deepEqual(summary([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(summary([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
});

test("a percentile lies within its step of the clock", () => {
  // Half of them somewhere in 0.95–1.05, half in 1.05–1.15: the median is where they meet.
  const values = [...Array(50).fill(1), ...Array(50).fill(1.1)];
  assert.ok(Math.abs(percentile(values, 0.5, 0.1) - 1.05) < 1e-9);
  assert.ok(Math.abs(percentile(values, 0.95, 0.1) - 1.14) < 1e-9);
});

test("the customers are the same each time, their fields about 375 bytes, and no two have one id", () => {
  const some = customers(1000);
  assert.deepEqual(some, customers(1000));
  assert.equal(new Set(some.map(({ id }) => id)).size, 1000);
  const bytes = some.reduce((sum, { id, ...fields }) => sum + JSON.stringify(fields).length, 0) / 1000;
  assert.ok(bytes > 365 && bytes < 385, `${bytes} bytes`);
  assert.notEqual(changeOf(0, "a").contact, some[0].contact);
});

/** One round. @param {number} ours @param {number} small @param {number} [large] */
function round(ours, small, large) {
  const one = (/** @type {import("./libraries.mjs").Library} */ library, /** @type {number | undefined} */ time) =>
    time === undefined ? [] : [{ library, values: { "drain-10000": time } }];
  return [...one(OURS, ours), ...one(THEIRS[0], small), ...one(THEIRS[1], large)];
}
const FIGURE = { id: "drain-10000", what: "", against: [THEIRS[0].name], bar: { atLeast: 5, of: "" } };

test("a bar is missed only if no round met it", () => {
  const verdict = (/** @type {number[]} */ theirs) => compare(FIGURE, theirs.map((time) => round(1, time)))?.peers[0].verdict;
  assert.equal(verdict([6, 7, 4]), "met");
  assert.equal(verdict([4, 4.5, 6]), "missed within noise");
  assert.equal(verdict([4, 4.5, 4.9]), "missed");
});

test("the better size of batch is compared, and the other one does not go on", () => {
  assert.equal(compare(FIGURE, [round(1, 9, 6)])?.peers[0].ratio.median, 6);
  assert.ok(isSlower(THEIRS[0], round(1, 9, 6)));
  assert.ok(!isSlower(THEIRS[1], round(1, 9, 6)));
  assert.ok(!isSlower(THEIRS[0], round(1, 9)));
});

/** One round of ours. @param {{ [figure: string]: number }} values */
const ofOurs = (values) => [{ library: OURS, values }];

test("a bar of the value itself, and one beside another value of ours", () => {
  const rounds = [ofOurs({ small: 10, large: 31 }), ofOurs({ small: 20, large: 29 })];
  const own = compare({ id: "large", what: "", bar: { atMost: 30, of: "" } }, rounds);
  assert.equal(own?.verdict, "met");
  const missed = compare({ id: "large", what: "large", unit: "MB", bar: { atMost: 28, of: "≤ 28" } }, rounds);
  assert.ok(missed && isMissed(missed));
  assert.match(table([missed]), /\| large \| 30 MB \(29–31\) \|  \|  \| ≤ 28 \| missed \|/);
  const beside = compare({ id: "large", what: "", beside: { id: "small", name: "small" }, bar: { atMost: 2, of: "" } }, rounds);
  assert.equal(beside?.peers[0].ratio.max, 3.1);
  assert.equal(beside?.peers[0].verdict, "missed within noise");
});

test("the chart has every size of both, or is not drawn", () => {
  const raw = { name: "IndexedDB", module: "raw", batch: 1 };
  const dexie = { name: "Dexie", module: "dexie" };
  const of = (/** @type {import("./libraries.mjs").Library} */ library, /** @type {number} */ size) => {
    return { library, values: { [`first-sync-${size}`]: size / 20, [`open-${size}`]: size / 100, [`list-${size}`]: 0.4 } };
  };
  const whole = SIZES.flatMap((size) => [OURS, raw, dexie].map((library) => of(library, size)));
  assert.match(chart([whole]) ?? "", /^<svg .*Fieldsync.*<\/svg>\n$/s);
  assert.equal(chart([whole.slice(1)]), undefined);
});
