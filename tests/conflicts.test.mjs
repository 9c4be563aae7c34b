/** What the dialog makes of two values: their differences, and both as one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parts } from "../www/fieldsync/elements/diff-parts.js";
import { mergeBoth } from "../www/fieldsync/elements/merge-both.js";

/** [-went-] and [+came+]. @param {string} before @param {string} after */
const diff = (before, after) =>
  parts(before, after)
    ?.map(({ text, how }) => (how === "same" ? text : how === "added" ? `[+${text}+]` : `[-${text}-]`))
    .join("");

test("words are compared, and what has little in common is not marked", () => {
  assert.equal(diff("Jl. Sudirman 12, Jakarta", "Jl. Sudirman 12 Lantai 3, Jakarta"), "Jl. Sudirman 12 [+Lantai 3+], Jakarta");
  assert.equal(diff("tanya Pak Slamet hari ini", "tanya Bu Ani hari ini"), "tanya [-Pak Slamet-][+Bu Ani+] hari ini");
  assert.equal(diff("Ibu Ani", "Bpk. Rahmat"), undefined);
  assert.equal(diff("", "baru"), undefined, "all of it is new");
  assert.equal(diff("sama", "sama"), undefined);
});

test("within a number or a word the place is marked", () => {
  assert.equal(diff("+622155550000", "+622155559876"), "+62215555[-0000-][+9876+]");
  assert.equal(diff("JKT-0001", "JKT-0002"), "JKT-[-0001-][+0002+]");
  assert.equal(diff("kantor", "kantor2"), "kantor[+2+]");
});

test("the parts that stay and come are the new text, those that stay and go the old one, but for blanks", () => {
  const words = ["Jl.", "Sudirman", "12", "Lantai", "3,", "Jakarta", "Selatan", "😀", "<b>"];
  const bare = (/** @type {string | undefined} */ text) => text?.replace(/\s+/g, "");
  for (let seed = 1; seed < 400; seed += 1) {
    const pick = (/** @type {number} */ n) => Array.from({ length: 6 }, (_, at) => words[(seed * (n + 3) * (at + 1) * 7919) % words.length]).join(" ");
    const [before, after] = [pick(1), pick(5)];
    const found = parts(before, after);
    if (!found) continue;
    const join = (/** @type {string} */ not) => found.filter(({ how }) => how !== not).map(({ text }) => text).join("");
    assert.equal(join("removed"), after);
    assert.equal(bare(join("added")), bare(before));
  }
});

test("a long text is compared in a blink, or not at all", () => {
  const long = "kata demi kata ".repeat(300);
  const begun = performance.now();
  parts(long, `${long} lagi`);
  parts("a ".repeat(100), "b ".repeat(100));
  assert.ok(performance.now() - begun < 200);
});

test("both together, only where that says something that neither does", () => {
  const prose = { policy: "append", length_max: 8000 };
  assert.equal(mergeBoth(prose, "a\nmine", "a\ntheirs", "a"), "a\ntheirs\nmine");
  assert.equal(mergeBoth(prose, "mine", "theirs", "a"), "theirs\nmine");
  assert.equal(mergeBoth(prose, "theirs and mine", "theirs", "a"), undefined, "mine has it all");
  assert.equal(mergeBoth(prose, "mine", "", "a"), undefined, "there is nothing to add");
  assert.equal(mergeBoth({ length_max: 30 }, "mine", "theirs", "a"), undefined, "two phone numbers are none");
  assert.deepEqual(mergeBoth({}, ["b", "c"], ["a", "b", "d"], ["a", "b"]), ["b", "d", "c"], "what I took out stays out");
  assert.equal(mergeBoth({}, ["a"], ["a", "b"], ["a"]), undefined, "that is theirs");
});
