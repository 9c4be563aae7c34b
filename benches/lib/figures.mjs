/** The table: what is compared with what, and the bars. Another figure is an entry here, and a scene that measures it. */

/**
 * @typedef {"ms" | "s" | "MB" | "KB" | "tasks"} Unit
 * @typedef {{ atMost?: number, atLeast?: number, of: string }} Bar `of` says it in words.
 * @typedef {{ id: string, what: string, unit?: Unit, against?: string[], beside?: { id: string, name: string }, bar?: Bar }} Figure `against`:
 *   other libraries; `beside`: another value of ours. With either the bar is of the ratio, and else of the value.
 */

const SENDING = ["PouchDB", "RxDB"];
const RAW = ["IndexedDB"];
const TENTH = { atMost: 0.1, of: "≤ 0.10 × raw" };
const FIFTH = { atMost: 0.2, of: "≤ 0.2 × raw" };

/** In the order of the table. @type {Figure[]} */
export const FIGURES = [
  { id: "first-sync-10000", what: "first sync of 10,000, text → committed and listed", against: RAW, bar: TENTH },
  { id: "first-sync-100000", what: "first sync of 100,000", against: RAW, bar: TENTH },
  { id: "first-sync-100000", what: "first sync: 100,000 beside 10,000", beside: { id: "first-sync-10000", name: "10,000" }, bar: { atMost: 12, of: "≤ 12 ×" } },
  { id: "save-p50", what: "a save, strict: p50 of 2,000", against: RAW, bar: { atMost: 1, of: "≤ 1.0 × raw" } },
  { id: "save-p95", what: "a save, strict: p95 of 2,000", against: RAW },
  { id: "save-busy", what: "a save while 100,000 are first synced: p95", bar: { atMost: 30, of: "≤ 30 ms" } },
  { id: "by-name", what: "50 of 10,000 by name: p50", against: RAW, bar: FIFTH },
  { id: "filtered", what: "filter + sort + limit 50: p50", against: RAW, bar: FIFTH },
  { id: "search", what: "typo-tolerant search in 10,000: p95", against: ["MiniSearch"], bar: { atMost: 0.5, of: "≤ 0.5 × MiniSearch" } },
  { id: "search", what: "typo-tolerant search in 10,000: p95, itself", bar: { atMost: 2, of: "≤ 2 ms" } },
  { id: "open-10000", what: "opening to the first 50 of 10,000, library loaded", against: ["Dexie"], bar: { atMost: 1, of: "≤ Dexie's" } },
  { id: "open-100000", what: "opening to the first 50 of 100,000", against: ["Dexie"], bar: { atMost: 1, of: "≤ Dexie's" } },
  { id: "open-100000", what: "opening: 100,000 beside 10,000", beside: { id: "open-10000", name: "10,000" }, bar: { atMost: 2, of: "≤ 2 ×" } },
  { id: "navigation-10000", what: "the same from navigation, of 10,000", against: ["Dexie"] },
  { id: "navigation-100000", what: "the same from navigation, of 100,000", against: ["Dexie"] },
  { id: "drain-1000", what: "1,000 queued changes → confirmed", against: SENDING, bar: { atLeast: 5, of: "≥ 5 × faster" } },
  { id: "drain-10000", what: "10,000 queued changes → confirmed", against: SENDING, bar: { atLeast: 5, of: "≥ 5 × faster" } },
  { id: "pull-10000", what: "10,000 records pulled", against: SENDING, bar: { atLeast: 10, of: "≥ 10 × faster" } },
  { id: "memory-10000", what: "memory with 10,000 records", unit: "MB", beside: { id: "json-10000", name: "their JSON" } },
  { id: "memory-100000", what: "memory with 100,000 records", unit: "MB", beside: { id: "json-100000", name: "their JSON" }, bar: { atMost: 2.5, of: "≤ 2.5 × their JSON" } },
  { id: "memory-wasm-100000", what: "of that, the engine's", unit: "MB" },
  { id: "memory-synced-100000", what: "the same in the tab that first synced them", unit: "MB", beside: { id: "json-100000", name: "their JSON" } },
  { id: "longest-task", what: "first sync of 10,000 at 4 × CPU throttling: longest task", bar: { atMost: 50, of: "≤ 50 ms" } },
  { id: "long-tasks", what: "the same: tasks over 50 ms", unit: "tasks" },
  { id: "slow-sync", what: "3G and 4 × throttling: 1,000 first synced, from navigation", unit: "s", bar: { atMost: 30, of: "≤ 30 s" } },
  { id: "slow-delta", what: "3G and 4 × throttling: a delta of 100", unit: "s", bar: { atMost: 5, of: "≤ 5 s" } },
  { id: "slow-drain", what: "3G and 4 × throttling: 1,000 queued changes → confirmed", unit: "s", bar: { atMost: 30, of: "≤ 30 s" } },
  { id: "download-core", what: "download: wasm and glue, brotli", unit: "KB", bar: { atMost: 150, of: "≤ 150 KB" } },
  { id: "download-shell", what: "download: the shell beside it, brotli", unit: "KB", bar: { atMost: 40, of: "≤ 40 KB" } },
];

/** @param {string} id @returns {Unit} */
export function unitOf(id) {
  return FIGURES.find((figure) => figure.id === id)?.unit ?? (/^(memory|json)-/.test(id) ? "MB" : "ms");
}
