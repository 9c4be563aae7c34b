/** Waiting, and saying what for. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks until the answer is truthy; gives it back. An error of the question counts as "not yet", and is told in the end.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} question
 * @param {number} [limitMs]
 * @param {number} [stepMs]
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, question, limitMs = 20_000, stepMs = 50) {
  const end = Date.now() + limitMs;
  let last = "";
  for (;;) {
    try {
      const answer = await question();
      if (answer) return answer;
      last = `last answer: ${JSON.stringify(answer)}`;
    } catch (error) {
      last = `last error: ${error instanceof Error ? error.message : error}`;
    }
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what} (${last})`);
    await sleep(stepMs);
  }
}

/**
 * Until it stops throwing: for assertions about something that is still on its way.
 * @param {string} what @param {() => void | Promise<void>} assertions @param {number} [limitMs]
 */
export async function settles(what, assertions, limitMs = 20_000) {
  await until(what, async () => (await assertions(), true), limitMs, 100);
}

export { assert, sleep };
