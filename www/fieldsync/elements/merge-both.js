/** Mine and theirs together. Pure. @typedef {import("../types").Value} Value */

/**
 * Both values as one, where that has a meaning and is neither of the two: lists and notes.
 * @param {{ policy?: string, length_max?: number }} spec @param {Value} mine @param {Value} theirs @param {Value} before
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
