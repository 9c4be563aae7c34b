/** The runner of the examples can fail. */
import assert from "node:assert/strict";
import test from "node:test";
import { casesOf, faultsOf, verdicts, withoutExpectations } from "./cases.mjs";

const TEXT = "const a = 1;\n// @ts-expect-error TS2322: a text is no number\nconst b: number = '1';\n";
const wrong = (/** @type {string} */ output) => verdicts(casesOf("a.ts", TEXT), faultsOf(output)).filter((verdict) => verdict.wrong);

test("an error of the kind, in the line, is what was expected", () => {
  assert.deepEqual(casesOf("a.ts", TEXT), [{ file: "a.ts", line: 3, code: "TS2322", reason: "a text is no number" }]);
  assert.deepEqual(wrong("a.ts(3,7): error TS2322: Type 'string' …\n  more of it\n"), []);
  assert.equal(withoutExpectations(TEXT).split("\n").length, TEXT.split("\n").length);
  assert.ok(!withoutExpectations(TEXT).includes("@ts-"));
});

test("no error, another error and an error elsewhere are found", () => {
  assert.equal(wrong("").length, 1);
  assert.equal(wrong("a.ts(3,7): error TS2304: Cannot find name").length, 1);
  assert.equal(wrong("a.ts(3,7): error TS2322: x\na.ts(3,9): error TS2322: y").length, 1);
  assert.equal(wrong("a.ts(3,7): error TS2322: x\na.ts(1,7): error TS2304: y").length, 1);
  assert.equal(wrong("b.ts(3,7): error TS2322: x").length, 2);
});
