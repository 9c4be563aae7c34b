/**
 * What a text has that another had not. Pure: no element, no language.
 *
 * @typedef {{ text: string, how: "same" | "added" | "removed" }} Part
 */

/** A table of so many cells is made in a blink; beyond it the two texts are shown as they are. */
const CELLS_MAX = 90_000;
/** With less in common than this, marks would be all over the value and say nothing. */
const COMMON_MIN = 0.3;

/**
 * The parts that make `after` of `before`; undefined if they have too little in common to say more than both.
 * @param {string} before @param {string} after @returns {Part[] | undefined}
 */
export function parts(before, after) {
  if (!before || !after || before === after) return undefined;
  const [old, made] = [words(before), words(after)];
  if (old.length * made.length > CELLS_MAX) return undefined;
  const found = joined(walk(old, made));
  const common = found.filter(({ how }) => how === "same").reduce((sum, { text }) => sum + text.replace(/\W/gu, "").length, 0);
  if (common >= COMMON_MIN * Math.min(before.length, after.length)) return found;
  return old.length < 4 && made.length < 4 ? withinWord(before, after) : undefined;
}

/** Words, and what stands between them. @param {string} text */
function words(text) {
  return text.split(/([^\p{L}\p{N}]+)/u).filter(Boolean);
}

/** The longest common subsequence, walked. @param {string[]} old @param {string[]} made @returns {Part[]} */
function walk(old, made) {
  const table = Array.from({ length: old.length + 1 }, () => new Uint16Array(made.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = made.length - 1; j >= 0; j -= 1)
      table[i][j] = old[i] === made[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  /** @type {Part[]} */
  const found = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < made.length) {
    if (i < old.length && j < made.length && old[i] === made[j]) {
      found.push({ text: old[i], how: "same" });
      [i, j] = [i + 1, j + 1];
    } else if (j >= made.length || (i < old.length && table[i + 1][j] >= table[i][j + 1])) {
      found.push({ text: old[i], how: "removed" });
      i += 1;
    } else {
      found.push({ text: made[j], how: "added" });
      j += 1;
    }
  }
  return found;
}

/** Neighbours of one kind as one, what went before what came. @param {Part[]} found @returns {Part[]} */
function joined(found) {
  /** @type {Part[]} */
  const whole = [];
  let [gone, come] = ["", ""];
  const flush = () => {
    if (gone) whole.push({ text: gone, how: "removed" });
    if (come) whole.push({ text: come, how: "added" });
    [gone, come] = ["", ""];
  };
  for (const [at, { text, how }] of found.entries()) {
    const next = found[at + 1]?.how;
    // A blank between two changed words belongs to them.
    if (how === "same" && (gone || come) && /^\s+$/.test(text) && next && next !== "same") [gone, come] = [gone + text, come + text];
    else if (how === "removed") gone += text;
    else if (how === "added") come += text;
    else {
      flush();
      const last = whole.at(-1);
      if (last?.how === "same") last.text += text;
      else whole.push({ text, how });
    }
  }
  flush();
  return whole.flatMap(bare);
}

/** The blanks around what came in are not marked. @param {Part} part @returns {Part[]} */
function bare({ text, how }) {
  if (how !== "added") return [{ text: how === "removed" ? text.trim() || text : text, how }];
  const [, before, inner, after] = /** @type {string[]} */ (/^(\s*)([^]*?)(\s*)$/.exec(text));
  if (!inner) return [{ text, how: "same" }];
  /** @type {Part[]} */
  const found = [{ text: before, how: "same" }, { text: inner, how }, { text: after, how: "same" }];
  return found.filter((part) => part.text);
}

/** One word, or a number: what is between the common beginning and the common end. @param {string} before @param {string} after @returns {Part[] | undefined} */
function withinWord(before, after) {
  const least = Math.min(before.length, after.length);
  let [head, tail] = [0, 0];
  while (head < least && before[head] === after[head]) head += 1;
  while (tail < least - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  if (head + tail < Math.max(3, 0.4 * Math.max(before.length, after.length))) return undefined;
  const cut = (/** @type {string} */ text) => text.slice(head, text.length - tail);
  /** @type {Part[]} */
  const found = [
    { text: after.slice(0, head), how: "same" },
    { text: cut(before), how: "removed" },
    { text: cut(after), how: "added" },
    { text: after.slice(after.length - tail), how: "same" },
  ];
  return found.filter(({ text }) => text);
}
