/** Other clocks: text that runs before the scripts of a page, or in front of a worker's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Timers of these lengths take that long instead; `null`: they never end. What they wait for is the product's own code.
 * @param {Record<number, number | null>} lengths
 */
export function timers(lengths) {
  return `{
    const lengths = ${JSON.stringify(lengths)};
    const real = globalThis.setTimeout;
    globalThis.setTimeout = (work, ms, ...rest) => {
      const length = ms in lengths ? lengths[ms] : ms;
      return length === null ? 0 : real(work, length, ...rest);
    };
  }
`;
}

/** The worker's script with other timers, served in the place of the built one. @param {import("./world.mjs").World} world @param {Record<number, number | null>} lengths */
export function serveWorkerWith(world, lengths) {
  world.proxy.page("/sw.js", timers(lengths) + readFileSync(join(world.app, "sw.js"), "utf8"), "text/javascript");
}

/**
 * A clock that a story can set forward: `advance(ms)` moves `Date` and ends every timer that is due by then, in their order,
 * as if the time had passed. Between two calls it runs like any clock.
 */
export const SHIFTED_CLOCK = `{
  const { Date: RealDate, setTimeout: realSet, clearTimeout: realClear } = globalThis;
  let offset = 0;
  const now = () => RealDate.now() + offset;
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length) super(...given);
      else super(now());
    }
    static now() {
      return now();
    }
  };
  const open = new Map();
  const end = (timer) => {
    if (!open.delete(timer.id)) return;
    realClear(timer.id);
    timer.work();
  };
  globalThis.setTimeout = (work, ms = 0, ...rest) => {
    const timer = { due: now() + ms, work: () => work(...rest) };
    timer.id = realSet(() => end(timer), ms);
    open.set(timer.id, timer);
    return timer.id;
  };
  globalThis.clearTimeout = (id) => {
    open.delete(id);
    realClear(id);
  };
  globalThis.advance = (ms) => {
    offset += ms;
    const due = [...open.values()].filter((timer) => timer.due <= now()).sort((a, b) => a.due - b.due);
    for (const timer of due) end(timer);
  };
}
`;
