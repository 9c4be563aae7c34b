/**
 * How it is measured. Each scene opens a stage for one library, and gives back its values by the name of a figure: saves, lists and
 * searches, and what is sent; the others are in `sizes.mjs` and `strained.mjs`.
 */
import { MINISEARCH, OURS, RAW, THEIRS } from "./libraries.mjs";
import { sizeScenes } from "./sizes.mjs";
import { CLOCK_STEP_MS, Stage } from "./stage.mjs";
import { percentile } from "./stats.mjs";
import { strainedScenes } from "./strained.mjs";

/**
 * @typedef {import("./libraries.mjs").Library} Library
 * @typedef {{ core: number, shell: number }} Download Bytes, with brotli.
 * @typedef {object} Setting
 * @property {(library: Library) => Promise<import("./servers.mjs").Running>} start Its server, or ours for those that need none of their own.
 * @property {(count: number) => Promise<import("./servers.mjs").OursRunning>} ours Our server with so many customers.
 * @property {{ chromium: string, out: string, total: number }} stage
 * @property {number} round The first is 0.
 * @property {Download} [download]
 * @typedef {{ [figure: string]: number }} Values
 * @typedef {{ library: Library, values: Values }} Measured
 * @typedef {{ library: Library, measure(setting: Setting): Promise<Measured[]> }} Scene
 */

/** Saves that a round's percentiles are of, and how many of one library before it is the other's turn. */
const SAVES = 2000;
const SAVES_IN_TURN = 250;
const DRAINS = [1000, 10_000];
/** Queries that a round's percentiles are of, and so many of one library before it is the other's turn. */
const READS = 400;
const READS_IN_TURN = 50;
const KB = 1024;

/** Ours and raw IndexedDB in one page, in turns. @param {Setting} setting @returns {Promise<Measured[]>} */
async function saves({ start, stage: options, round }) {
  const stage = await Stage.open(await start(OURS), OURS, options);
  try {
    await stage.call("pull");
    await stage.callOf(RAW.module, "open", { total: options.total });
    await stage.offline();
    /** @type {Map<Library, number[]>} */
    const times = new Map([OURS, RAW].map((library) => [library, []]));
    for (let from = 0; from < SAVES; from += SAVES_IN_TURN) {
      for (const [library, all] of times) {
        all.push(...(await stage.callOf(library.module, "save", from, from + SAVES_IN_TURN, `s${round}`)));
      }
    }
    const of = (/** @type {number[]} */ all, /** @type {number} */ part) => percentile(all, part, CLOCK_STEP_MS);
    return [...times].map(([library, all]) => ({ library, values: { "save-p50": of(all, 0.5), "save-p95": of(all, 0.95) } }));
  } finally {
    await stage.close();
  }
}

/** What each figure of reading is measured against. */
const READING = /** @type {const} */ ([
  ["by-name", "byName", RAW, 0.5],
  ["filtered", "filtered", RAW, 0.5],
  ["search", "search", MINISEARCH, 0.95],
]);

/** Ours and the others' in one page, in turns, the same queries. @param {Setting} setting @returns {Promise<Measured[]>} */
async function reads({ start, stage: options }) {
  const stage = await Stage.open(await start(OURS), OURS, options);
  try {
    await stage.call("pull");
    await stage.callOf(RAW.module, "open", { total: options.total });
    await stage.callOf(MINISEARCH.module, "open", { total: options.total });
    await stage.call("prepareSearch");
    await stage.offline();
    /** @type {Measured[]} */
    const found = [];
    for (const [figure, name, theirs, part] of READING) {
      const times = new Map([OURS, theirs].map((library) => [library, /** @type {number[]} */ ([])]));
      for (let from = 0; from < READS; from += READS_IN_TURN) {
        for (const [library, all] of times) all.push(...(await stage.callOf(library.module, name, from, from + READS_IN_TURN)));
      }
      for (const [library, all] of times) found.push({ library, values: { [figure]: percentile(all, part, CLOCK_STEP_MS) } });
    }
    return found;
  } finally {
    await stage.close();
  }
}

/** A device's first pull; then its changes, saved while offline, from the network's return until all are confirmed. @param {Library} library */
function sends(library) {
  return async (/** @type {Setting} */ { start, stage: options, round }) => {
    const stage = await Stage.open(await start(library), library, options);
    try {
      /** @type {Values} */
      const values = { "pull-10000": await stage.call("pull") };
      for (const count of DRAINS) {
        // As an app that was opened today: nothing is warm, and nothing has been learned of the server.
        await stage.load();
        if (library === OURS) await stage.call("pull");
        await stage.offline();
        const word = `r${round}-${count}`;
        await stage.call("queue", count, word);
        values[`drain-${count}`] = await stage.drain();
        const changed = await stage.server.changed(word);
        if (changed !== count) throw new Error(`${library.name}: the server has ${changed} of ${count} changes`);
      }
      return [{ library, values }];
    } finally {
      await stage.close();
    }
  };
}

/** It was weighed when it was built. @param {Setting} setting @returns {Promise<Measured[]>} */
async function downloads({ download }) {
  if (!download) return [];
  return [{ library: OURS, values: { "download-core": download.core / KB, "download-shell": download.shell / KB } }];
}

/** What a round consists of; without names, of everything. @param {string[]} only Parts. @param {string[]} libraries @returns {Scene[]} */
export function scenes(only, libraries) {
  const has = (/** @type {string} */ part) => !only.length || only.includes(part);
  const of = (/** @type {Library} */ { name }) => !libraries.length || libraries.includes(name);
  const ours = { save: saves, read: reads, download: downloads };
  const own = Object.entries(ours).flatMap(([part, measure]) => (has(part) ? [{ library: OURS, measure }] : []));
  const sending = has("send") ? [OURS, ...THEIRS].map((library) => ({ library, measure: sends(library) })) : [];
  return [...own, ...strainedScenes(has), ...sizeScenes(has), ...sending].filter(({ library }) => of(library));
}

/** Whether the same library was quicker at everything with another size of batch: then this one need not run again. @param {Library} library @param {Measured[]} round */
export function isSlower(library, round) {
  const valuesOf = (/** @type {Library} */ wanted) => Object.assign({}, ...round.filter((one) => one.library === wanted).map(({ values }) => values));
  const own = Object.entries(valuesOf(library));
  const others = new Set(round.map((one) => one.library).filter((other) => other !== library && other.name === library.name));
  return own.length > 0 && [...others].some((other) => own.every(([figure, time]) => valuesOf(other)[figure] < time));
}
