/** What must hold where much is going on, or little is there: saves during a first sync, a slow processor, a slow line. */
import { OURS, TOTAL } from "./libraries.mjs";
import { farAway } from "./slow.mjs";
import { CLOCK_STEP_MS, Stage } from "./stage.mjs";
import { percentile } from "./stats.mjs";

/**
 * @typedef {import("./scenes.mjs").Setting} Setting
 * @typedef {import("./scenes.mjs").Measured} Measured
 * @typedef {import("./scenes.mjs").Scene} Scene
 */

/** So much slower than this machine is the phone. */
const THROTTLE = 4;
/** Shorter tasks are not told. */
const LONG_TASK_MS = 50;
const BUSY_TOTAL = 100_000;
/** Over 3G: what is first synced, how much of it another device changes, and what waits for the network. */
const SLOW_TOTAL = 1000;
const SLOW_DELTA = 100;
const SLOW_DRAIN = 1000;
const S = 1000;

/** @param {(part: string) => boolean} has @returns {Scene[]} */
export function strainedScenes(has) {
  const all = { busy, "main-thread": mainThread, slow };
  return Object.entries(all).flatMap(([part, measure]) => (has(part) ? [{ library: OURS, measure }] : []));
}

/** Saves while a first sync runs as fast as it can. @param {Setting} setting @returns {Promise<Measured[]>} */
async function busy({ ours, stage: options, round }) {
  const stage = await Stage.open(await ours(BUSY_TOTAL), OURS, { ...options, total: BUSY_TOTAL, begin: "prepare" });
  try {
    await stage.call("record");
    await stage.settle();
    const times = await stage.call("saveMeanwhile", `b${round}`);
    return [{ library: OURS, values: { "save-busy": percentile(times, 0.95, CLOCK_STEP_MS), "save-busy-p50": percentile(times, 0.5, CLOCK_STEP_MS) } }];
  } finally {
    await stage.close();
  }
}

/** The longest task of a first sync on a slow phone. @param {Setting} setting @returns {Promise<Measured[]>} */
async function mainThread({ ours, stage: options }) {
  const stage = await Stage.open(await ours(TOTAL), OURS, { ...options, begin: "prepare" });
  try {
    await stage.settle();
    await stage.throttle(THROTTLE);
    /** @type {number[]} */
    const tasks = await stage.call("longTasks");
    return [{ library: OURS, values: { "longest-task": Math.max(LONG_TASK_MS, ...tasks), "long-tasks": tasks.length } }];
  } finally {
    await stage.close();
  }
}

/** A slow phone over 3G: its first visit, what somebody else changed, and what it saved while there was no network. @param {Setting} setting @returns {Promise<Measured[]>} */
async function slow({ ours, stage: options, round }) {
  const server = await ours(SLOW_TOTAL);
  const stage = await Stage.open(await farAway(server), OURS, { ...options, total: SLOW_TOTAL, throttle: THROTTLE });
  try {
    const sync = await stage.call("pullSinceNavigation");
    await stage.settle();
    await server.change(SLOW_DELTA, `d${round}`);
    const delta = await stage.call("delta", SLOW_DELTA, `d${round}`);
    await stage.load();
    await stage.call("pull");
    await stage.offline();
    // What saving costs is not measured here.
    await stage.throttle(1);
    await stage.call("queue", SLOW_DRAIN, `w${round}`);
    await stage.throttle(THROTTLE);
    const drain = await stage.drain();
    const changed = await server.changed(`w${round}`);
    if (changed !== SLOW_DRAIN) throw new Error(`the server has ${changed} of ${SLOW_DRAIN} changes`);
    return [{ library: OURS, values: { "slow-sync": sync / S, "slow-delta": delta / S, "slow-drain": drain / S } }];
  } finally {
    await stage.close();
  }
}
