/** Fieldsync, as an app uses it: `openClient`, `update`, and the status that the bar shows. */
import { changeOf } from "../lib/customers.mjs";
import { QUERIES, timed } from "../lib/queries.mjs";
import { fromOnline } from "./online.js";

/** @typedef {import("../../www/fieldsync/types").SyncClient & { [collection: string]: any }} Client */

/** @type {Client} */
let sync;
/** @type {any} */
let settings;
/** When the client was opened: as the page's clock says, and as everybody's does. */
let opened = { tick: 0, at: 0 };
let total = 0;

/** @param {import("./contender").Options} options */
export async function open(options) {
  const { Auth } = await library();
  const auth = new Auth();
  const profile = await auth.signIn(options.username, options.password);
  const getAccessToken = (/** @type {"first" | "expired"} */ reason) => auth.accessToken(reason, profile.id);
  total = options.total;
  // Loaded before anything is timed, as the others' libraries are.
  const wasm = await library("/fieldsync/wasm/fieldsync.js");
  await wasm.default();
  opened = { tick: performance.now(), at: Date.now() };
  settings = { user: profile, profile, getAccessToken, serviceWorker: false };
  await openClient();
}

/** The built library, as it is shipped. */
function library(path = "/fieldsync/fieldsync.js") {
  return import(path);
}

async function openClient() {
  sync = await (await library()).openClient(settings);
}

/** Opening it pulls; before the first answer there is nothing to say, and the state is "synced", too. */
export async function pull() {
  await until(() => sync.status.state === "synced" && (sync.status.lastSyncedAt ?? 0) >= opened.at);
  const took = performance.now() - opened.tick;
  const count = await sync.customers.count();
  if (count !== total) throw new Error(`${count} customers were pulled`);
  return took;
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
  while (!(await sync.search("x", { limit: 1 })).complete) await new Promise((done) => setTimeout(done, 50));
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
