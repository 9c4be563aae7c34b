/** The expectations in a file that must not compile, and what tsc says of it without them. */

/** @typedef {{ file: string, line: number, code: string, reason: string }} Case `line` is the one that must be an error. */
/** @typedef {{ file: string, line: number, code: string, text: string }} Fault */

const EXPECTATION = /@ts-expect-error (TS\d+): (.+)$/;

/** @param {string} file @param {string} text @returns {Case[]} */
export function casesOf(file, text) {
  return text.split("\n").flatMap((line, index) => {
    const found = line.match(EXPECTATION);
    return found ? [{ file, line: index + 2, code: found[1], reason: found[2] }] : [];
  });
}

/** The same lines without their expectations, and one folder as deep. @param {string} text */
export function withoutExpectations(text) {
  return text.replaceAll("@ts-expect-error", "Expected:");
}

/** @param {string} output Of tsc. @returns {Fault[]} */
export function faultsOf(output) {
  return [...output.matchAll(/^(.+?)\((\d+),\d+\): error (TS\d+): (.*)$/gm)].map(([, file, line, code, text]) => ({ file, line: Number(line), code, text }));
}

/**
 * What is wrong with each case: nothing, if its line and no other part of the file is an error, and of its kind.
 * @param {Case[]} cases @param {Fault[]} faults Their files as in the cases.
 */
export function verdicts(cases, faults) {
  const at = (/** @type {{ file: string, line: number }} */ { file, line }) => `${file}:${line}`;
  const judged = cases.map((each) => {
    const found = faults.filter((fault) => at(fault) === at(each));
    const wrong = found.length !== 1 || found[0].code !== each.code;
    return { name: `${at(each)} ${each.reason}`, wrong: wrong ? `${each.code} was expected, and there is ${found.map(({ code, text }) => `${code} ${text}`).join("; ") || "no error"}` : "" };
  });
  const expected = new Set(cases.map(at));
  const others = faults.filter((fault) => !expected.has(at(fault)));
  return [...judged, ...others.map((fault) => ({ name: at(fault), wrong: `nobody expected ${fault.code} ${fault.text}` }))];
}
