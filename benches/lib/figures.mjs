/**
 * What is measured. Each scene opens a stage for one library, and gives back its values by the name of a figure. A figure
 * compares them; another one is a scene that measures it and an entry in `FIGURES`.
 */
import { percentile } from "./stats.mjs";
import { Stage } from "./stage.mjs";

/**
 * @typedef {import("./stage.mjs").Library} Library
 * @typedef {{ start(library: Library): Promise<import("./servers.mjs").Running>, stage: { chromium: string, out: string, total: number }, round: number }} Setting
 * @typedef {{ [figure: string]: number }} Values
 * @typedef {{ library: Library, values: Values }} Measured
 * @typedef {{ id: string, what: string, against: string[], bar?: { atMost?: number, atLeast?: number, of: string } }} Figure
 */

/** On whose 10,000 customers everything is measured. */
export const TOTAL = 10_000;
/** Saves that a round's percentiles are of, and how many of one library before it is the other's turn. */
const SAVES = 2000;
const SAVES_IN_TURN = 250;
/** The page's clock has steps. */
const CLOCK_STEP_MS = 0.1;
const DRAINS = [1000, 10_000];
/** Queries that a round's percentiles are of, and so many of one library before it is the other's turn. */
const READS = 400;
const READS_IN_TURN = 50;

/** @type {Library} */
export const OURS = { name: "Fieldsync", module: "fieldsync" };
/** @type {Library} */
const RAW = { name: "IndexedDB", module: "raw" };
/** @type {Library} */
const MINISEARCH = { name: "MiniSearch", module: "minisearch" };
/** The others, each with two sizes of batch; the better one counts, figure by figure. @type {Library[]} */
export const THEIRS = [
  { name: "PouchDB", module: "pouchdb", batch: 100 },
  { name: "PouchDB", module: "pouchdb", batch: 500 },
  { name: "RxDB", module: "rxdb", batch: 100 },
  { name: "RxDB", module: "rxdb", batch: 500 },
];

const SENDING = ["PouchDB", "RxDB"];
/** In the order of the table. `atMost` and `atLeast` are ratios; `of` says it in words. @type {Figure[]} */
export const FIGURES = [
  { id: "save-p50", what: "a save, strict: p50 of 2,000", against: ["IndexedDB"], bar: { atMost: 1, of: "≤ 1.0 × raw" } },
  { id: "save-p95", what: "a save, strict: p95 of 2,000", against: ["IndexedDB"] },
  { id: "by-name", what: "50 of 10,000 by name: p50", against: ["IndexedDB"], bar: { atMost: 0.2, of: "≤ 0.2 × raw" } },
  { id: "filtered", what: "filter + sort + limit 50: p50", against: ["IndexedDB"], bar: { atMost: 0.2, of: "≤ 0.2 × raw" } },
  { id: "search", what: "typo-tolerant search in 10,000: p95", against: ["MiniSearch"], bar: { atMost: 0.5, of: "≤ 0.5 × MiniSearch" } },
  { id: "drain-1000", what: "1,000 queued changes → confirmed", against: SENDING, bar: { atLeast: 5, of: "≥ 5 × faster" } },
  { id: "drain-10000", what: "10,000 queued changes → confirmed", against: SENDING, bar: { atLeast: 5, of: "≥ 5 × faster" } },
  { id: "pull-10000", what: "10,000 records pulled", against: SENDING, bar: { atLeast: 10, of: "≥ 10 × faster" } },
];

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

/** @typedef {{ library: Library, measure(setting: Setting): Promise<Measured[]> }} Scene */

/** What a round consists of; without names, of everything. @param {string[]} only Parts. @param {string[]} libraries @returns {Scene[]} */
export function scenes(only, libraries) {
  const is = (/** @type {string[]} */ names, /** @type {string} */ name) => !names.length || names.includes(name);
  const sending = [OURS, ...THEIRS].filter(({ name }) => is(only, "send") && is(libraries, name));
  const saving = is(only, "save") ? [{ library: OURS, measure: saves }] : [];
  const reading = is(only, "read") ? [{ library: OURS, measure: reads }] : [];
  return [...saving, ...reading, ...sending.map((library) => ({ library, measure: sends(library) }))];
}

/** Whether the same library was quicker at everything with another size of batch: then this one need not run again. @param {Library} library @param {Measured[]} round */
export function isSlower(library, round) {
  const own = Object.entries(round.find((one) => one.library === library)?.values ?? {});
  const others = round.filter((one) => one.library !== library && one.library.name === library.name);
  return own.length > 0 && others.some(({ values }) => own.every(([figure, time]) => values[figure] < time));
}
