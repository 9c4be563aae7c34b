/** Fieldsync, as an app uses it: `openClient`, `update`, and the status that the bar shows. */
import { changeOf } from "../lib/customers.mjs";
import { QUERIES, timed } from "../lib/queries.mjs";
import { fromOnline } from "./online.js";
import { handedOverAt, record as keepAnswers } from "./replay.js";

/** @typedef {import("../../www/fieldsync/types").SyncClient & { [collection: string]: any }} Client */

/** Where the page keeps who was signed in, as an app does. */
const KEPT = "bench-profile";
const FIRST_ROWS = 50;
/** Somebody saves without a pause, and not at the machine's own pace. */
const SAVE_EVERY_MS = 25;

/** @type {Client} */
let sync;
/** @type {any} */
let settings;
/** When the client was opened: as the page's clock says, and as everybody's does. */
let opened = { tick: 0, at: 0 };
let total = 0;
/** @type {WebAssembly.Memory} */
let memory;

/** @param {import("./contender").Options} options */
export async function open(options) {
  await prepare(options);
  await openClient();
}

/** Everything but opening the client: somebody is signed in, and the library is loaded. @param {import("./contender").Options} options */
export async function prepare(options) {
  const { Auth } = await library();
  const auth = new Auth();
  const profile = await auth.signIn(options.username, options.password);
  localStorage.setItem(KEPT, JSON.stringify(profile));
  total = options.total;
  // Loaded before anything is timed, as the others' libraries are.
  const wasm = await library("/fieldsync/wasm/fieldsync.js");
  const module = await WebAssembly.compileStreaming(fetch("/fieldsync/wasm/fieldsync_bg.wasm"));
  ({ memory } = await wasm.default({ module_or_path: module }));
  settings = { ...settingsOf(auth, profile), wasm: module };
}

/** As an app that somebody used before: signed in by its cookie, when the server is asked. */
export async function start() {
  const { Auth } = await library();
  settings = settingsOf(new Auth(), JSON.parse(localStorage.getItem(KEPT) ?? "null"));
  await firstRows();
}

/** @param {any} auth @param {any} profile */
function settingsOf(auth, profile) {
  const getAccessToken = (/** @type {"first" | "expired"} */ reason) => auth.accessToken(reason, profile.id);
  return { user: profile, profile, getAccessToken, serviceWorker: false };
}

/** The built library, as it is shipped. */
function library(path = "/fieldsync/fieldsync.js") {
  return import(path);
}

async function openClient() {
  opened = { tick: performance.now(), at: Date.now() };
  sync = await (await library()).openClient(settings);
}

/** Opening it pulls; before the first answer there is nothing to say, and the state is "synced", too. */
export async function pull() {
  await until(() => sync.status.state === "synced" && isPulled());
  const took = performance.now() - opened.tick;
  await countAll();
  return took;
}

function isPulled() {
  return (sync.status.lastSyncedAt ?? 0) >= opened.at;
}

async function countAll() {
  const count = await sync.customers.count();
  if (count !== total) throw new Error(`${count} customers were pulled`);
}

/** The same from a navigation: milliseconds since then. */
export async function pullSinceNavigation() {
  await pull();
  return performance.now();
}

/** What the server will answer to a first sync, as text in this page. */
export async function record() {
  const token = await settings.getAccessToken("first");
  const headers = { authorization: `Bearer ${token}`, "fieldsync-user": settings.user.id };
  const schema = await (await fetch("/sync/v1/schema", { headers })).json();
  await keepAnswers(headers, schema);
}

/** Milliseconds from the first text to 50 by name, after all is committed. */
export async function firstSync() {
  await openClient();
  await until(isPulled);
  const first = await sync.customers.list({ sort: ["name"], limit: FIRST_ROWS });
  const took = performance.now() - handedOverAt();
  if (first.length !== FIRST_ROWS) throw new Error(`${first.length} rows`);
  await countAll();
  return took;
}

/** Milliseconds of each save, one every now and then, while a first sync runs. @param {string} word */
export async function saveMeanwhile(word) {
  await openClient();
  const some = () => sync.customers.list({ sort: ["code"], limit: 1000 });
  while ((await some()).length < 1000) await pause(SAVE_EVERY_MS);
  const records = await some();
  const times = [];
  for (let index = 0; !isPulled(); index++) {
    const begun = performance.now();
    await sync.customers.update(records[index % records.length], changeOf(index, word));
    times.push(performance.now() - begun);
    await pause(SAVE_EVERY_MS);
  }
  await countAll();
  return times;
}

/** Milliseconds of each task over 50 ms, from opening the client to the end of its first sync. */
export async function longTasks() {
  /** @type {number[]} */
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ type: "longtask" });
  await openClient();
  await pull();
  await pause(500);
  observer.disconnect();
  return tasks;
}

/** Milliseconds from opening the client until its first rows are there. */
export async function firstRows() {
  await openClient();
  const rows = await sync.customers.list({ sort: ["name"], limit: FIRST_ROWS });
  const took = performance.now() - opened.tick;
  if (rows.length !== FIRST_ROWS) throw new Error(`${rows.length} rows`);
  return took;
}

/** Milliseconds until what another device changed is here. @param {number} count @param {string} word */
export async function delta(count, word) {
  const begun = performance.now();
  await sync.sync();
  const took = performance.now() - begun;
  const records = await sync.customers.list({ sort: ["code"], limit: count });
  const news = records.filter((/** @type {any} */ { fields }) => fields.contact.includes(`(${word})`)).length;
  if (news !== count) throw new Error(`${news} of ${count} changes came`);
  return took;
}

/** What the engine has taken of the page's memory; it never gives any back. */
export function wasmBytes() {
  return memory.buffer.byteLength;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** Saves changes of customers `from` to `to`, one after the other; each one's milliseconds. @param {number} from @param {number} to @param {string} word */
export async function save(from, to, word) {
  const records = await sync.customers.list({ sort: ["code"] });
  const times = [];
  for (let index = from; index < to; index++) {
    const begun = performance.now();
    await sync.customers.update(records[index], changeOf(index, word));
    times.push(performance.now() - begun);
  }
  return times;
}

/** 50 by name, from one on. @param {number} from @param {number} to */
export function byName(from, to) {
  return timed(from, to, (at) => sync.customers.list({ where: { name: { gte: QUERIES.names[at] } }, sort: ["name"], limit: 50 }));
}

/** Of a city, those to be visited next. @param {number} from @param {number} to */
export function filtered(from, to) {
  return timed(from, to, (at) => sync.customers.list({ where: { city: QUERIES.cities[at] }, sort: ["next_visit"], limit: 50 }));
}

/** Until everything is indexed. */
export async function prepareSearch() {
  sync.prepareSearch();
  while (!(await sync.search("x", { limit: 1 })).complete) await pause(50);
}

/** @param {number} from @param {number} to */
export function search(from, to) {
  return timed(from, to, (at) => sync.customers.search(QUERIES.texts[at], { limit: 20 }));
}

/**
 * Saves through an engine without tables, as the worker's is, and opens the client again: so that what is measured later does not
 * wait for what saving costs in a page. The rows are the same.
 * @param {number} count @param {string} word
 */
export async function queue(count, word) {
  const records = await sync.customers.list({ sort: ["code"], limit: count });
  const { user, schema } = sync;
  sync.close();
  const { Engine } = await library("/fieldsync/wasm/fieldsync.js");
  const away = { getAccessToken: async () => undefined, onEvent: () => {} };
  const engine = await Engine.open({ server: location.origin, user, schema: JSON.stringify(schema), tables: false, ...away });
  for (const [index, { collection, id, version, fields }] of records.entries()) {
    const written = changeOf(index, word);
    const seen = { version, fields: { contact: fields.contact, next_visit: fields.next_visit } };
    await engine.save([{ row: engine.newId(), collection, id, action: "update", seen, written }]);
  }
  engine.close();
  await openClient();
  if (sync.status.pending !== count) throw new Error(`${sync.status.pending} changes wait`);
}

/** The library hears `online` itself. What it pulls after its last change is confirmed is not waited for. */
export function drain() {
  return fromOnline(() => until(() => sync.status.pending === 0));
}

/** @param {() => boolean} question @returns {Promise<void>} */
function until(question) {
  return new Promise((resolve) => {
    const ask = () => {
      if (!question()) return;
      sync.removeEventListener("syncstatuschange", ask);
      resolve();
    };
    sync.addEventListener("syncstatuschange", ask);
    ask();
  });
}
