/** What grows with the number of records: a first sync, lists, opening, memory. Each library has a fresh profile for each size. */
import { customers } from "./customers.mjs";
import { DEXIE, OURS, RAW_BATCHES } from "./libraries.mjs";
import { CLOCK_STEP_MS, Stage } from "./stage.mjs";
import { percentile, summary } from "./stats.mjs";

/**
 * @typedef {import("./libraries.mjs").Library} Library
 * @typedef {import("./scenes.mjs").Setting} Setting
 * @typedef {import("./scenes.mjs").Measured} Measured
 * @typedef {import("./scenes.mjs").Values} Values
 * @typedef {import("./scenes.mjs").Scene} Scene
 * @typedef {{ heap: number, wasm: number }} Taken Bytes.
 * @typedef {(stage: Stage, all: Wanted, without?: Taken) => Promise<Values>} Measure
 * @typedef {{ size: number, sync: boolean, list: boolean, open: boolean, memory: boolean }} Wanted
 */

/** Of the chart. */
export const SIZES = [1000, 3000, 10_000, 30_000, 100_000];
/** Those that bars are on; the others are only in the chart, and have one turn. */
const BARRED = [10_000, 100_000];
/** How often it is opened, and from a navigation; each time in a new page. */
const OPENED = 3;
const BETWEEN_MS = 500;
/** How many lists a percentile is of. */
const LISTS = 100;
const MB = 1e6;

/** What is wanted of each size, by the parts that run. @param {(part: string) => boolean} has @returns {Wanted[]} */
function wanted(has) {
  return SIZES.map((size) => {
    const isIn = (/** @type {string} */ part) => has("growth") || (BARRED.includes(size) && has(part));
    const memory = BARRED.includes(size) && has("memory");
    return { size, sync: isIn("first-sync"), list: has("growth"), open: isIn("open"), memory };
  });
}

/** @param {(part: string) => boolean} has @returns {Scene[]} */
export function sizeScenes(has) {
  return wanted(has).flatMap((all) => {
    /** @type {[Library, boolean, Measure][]} */
    const turns = [
      [OURS, all.sync || all.open || all.memory, ours],
      ...RAW_BATCHES.map((library) => /** @type {(typeof turns)[0]} */ ([library, all.sync, raw])),
      [DEXIE, all.open, dexie],
    ];
    return turns.flatMap(([library, isWanted, measure]) => (isWanted ? [scene(library, all, measure)] : []));
  });
}

/** @param {Library} library @param {Wanted} all @param {Measure} measure @returns {Scene} */
function scene(library, all, measure) {
  const { size } = all;
  return {
    library,
    measure: async (setting) => {
      if (setting.round > 0 && !BARRED.includes(size)) return [];
      const without = library === OURS && all.memory ? await empty(setting) : undefined;
      const begin = library === DEXIE ? "open" : "prepare";
      // The others only need somebody who serves their page.
      const server = await setting.ours(library === OURS ? size : 0);
      const stage = await Stage.open(server, library, { ...setting.stage, total: size, begin });
      try {
        return [{ library, values: await measure(stage, all, without) }];
      } finally {
        await stage.close();
      }
    },
  };
}

/** @type {Measure} */
async function ours(stage, { size, sync, list, open }, without) {
  /** @type {Values} */
  const values = {};
  await stage.call("record");
  await stage.settle();
  const took = await stage.call("firstSync");
  if (sync) values[`first-sync-${size}`] = took;
  if (list) values[`list-${size}`] = await lists(stage);
  const synced = without && (await taken(stage));
  if (open || without) await opens(stage, size, open, values);
  if (synced) {
    const opened = await taken(stage);
    const sum = (/** @type {Taken} */ { heap, wasm }) => heap + wasm - without.heap - without.wasm;
    values[`memory-${size}`] = sum(opened) / MB;
    values[`memory-wasm-${size}`] = (opened.wasm - without.wasm) / MB;
    values[`memory-synced-${size}`] = sum(synced) / MB;
    values[`json-${size}`] = jsonBytes(size) / MB;
  }
  return values;
}

/** @type {Measure} */
async function raw(stage, { size, list }) {
  await stage.settle();
  /** @type {Values} */
  const values = { [`first-sync-${size}`]: await stage.call("firstSync") };
  if (list) values[`list-${size}`] = await lists(stage);
  return values;
}

/** @type {Measure} */
async function dexie(stage, { size }) {
  /** @type {Values} */
  const values = {};
  await stage.call("fill", size);
  await opens(stage, size, true, values);
  return values;
}

/** In a page that has just been loaded, with the library there; and from a navigation. The last page stays. @param {Stage} stage @param {number} size @param {boolean} timed @param {Values} values */
async function opens(stage, size, timed, values) {
  /** @type {{ navigations: number[], openings: number[] }} */
  const { navigations, openings } = { navigations: [], openings: [] };
  for (let time = 0; time < (timed ? OPENED : 0); time++) {
    await stage.settle(BETWEEN_MS);
    navigations.push(await stage.navigate());
  }
  for (let time = 0; time < (timed ? OPENED : 1); time++) {
    await stage.settle(BETWEEN_MS);
    await stage.load();
    openings.push(await stage.call("firstRows"));
  }
  if (!timed) return;
  values[`open-${size}`] = summary(openings).median;
  values[`navigation-${size}`] = summary(navigations).median;
}

/** Milliseconds of 50 by name. @param {Stage} stage @returns {Promise<number>} */
async function lists(stage) {
  return percentile(await stage.call("byName", 0, LISTS), 0.5, CLOCK_STEP_MS);
}

/** What the page has taken, once it is at rest. @param {Stage} stage @returns {Promise<Taken>} */
async function taken(stage) {
  await stage.settle();
  return { heap: await stage.heapBytes(), wasm: await stage.call("wasmBytes") };
}

/** The same of an app without a record. @param {Setting} setting */
async function empty(setting) {
  const stage = await Stage.open(await setting.ours(0), OURS, { ...setting.stage, total: 0 });
  try {
    await stage.call("pull");
    await stage.load();
    return await taken(stage);
  } finally {
    await stage.close();
  }
}

/** Of the fields alone. @param {number} size */
function jsonBytes(size) {
  return customers(size).reduce((sum, { id, ...fields }) => sum + JSON.stringify(fields).length, 0);
}
