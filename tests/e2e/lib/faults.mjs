/**
 * What can become of a request, and what the product is to make of it: section 6 of the specification as a table. Who said it
 * decides: a status in somebody else's words is an absent server, and only our server's own word has a class.
 */

import { uuid7 } from "./api.mjs";

/** @typedef {import("./harness.mjs").Harness} Harness */
/** @typedef {import("./proxy.mjs").Rule} Rule */
/** @typedef {import("./proxy.mjs").Seen} Seen */

/**
 * @typedef {object} Class
 * @property {string} state What the status says with something unsent.
 * @property {string} idle What it says with nothing unsent, after a pull.
 * @property {string} kept What the engine notes in the database.
 * @property {boolean} [ours] Whether it notes that our server answered.
 * @property {boolean} online Whether `online` leads to another try.
 * @property {boolean} background Whether a sync event leads to another try.
 */

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {Partial<Rule>} rule
 * @property {Class} [is] What the product says; none: it helps itself, and nobody hears of it.
 * @property {boolean} [pull] Whether it means something for a pull, too; default: yes.
 * @property {string} [notes] What is saved with it.
 * @property {boolean} [putBy] The change with these notes waits for a person, and the rest goes.
 * @property {(seen: Seen[]) => boolean} [mended] How it is known that the product helped itself.
 */

/** @type {Class} */
const AWAY = { state: "offline", idle: "offline", kept: "waiting", ours: false, online: true, background: true };
/** Our server says "not now". @type {Class} */
const BUSY = { ...AWAY, state: "waiting", ours: true };
/** Our server says "not now, come in a while": nothing but the user is sooner. @type {Class} */
const ASKED = { ...BUSY, online: false };
/** @type {Class} */
const SIGNED_OUT = { state: "signed-out", idle: "signed-out", kept: "signed-out", online: false, background: true };
/** @type {Class} */
const OUTDATED = { state: "outdated", idle: "outdated", kept: "outdated", online: false, background: false };
/** @type {Class} */
const MISCONFIGURED = { state: "misconfigured", idle: "misconfigured", kept: "misconfigured", online: false, background: false };

const HTML = { "content-type": "text/html" };
const PORTAL = "<!doctype html><title>Hotspot</title><p>Please sign in to this hotspot.";
const PORTAL_PATH = "/hotspot/";
const RETRY_AFTER_S = 2;
/** More than the transport sends uncompressed. */
const LONG = "Panjang. ".repeat(200);
const LARGE = "too large";

/** @param {number} status @param {Record<string, string>} [headers] @returns {Rule["answer"]} */
const foreign = (status, headers = {}) => ({ status, headers: { ...HTML, ...headers }, body: PORTAL });

/** @param {Seen} seen */
const carriesLarge = (seen) => JSON.stringify(seen.body ?? "").includes(LARGE);

/** What nobody, or somebody else, says. @returns {Fault[]} */
function foreignFaults() {
  const statuses = [400, 401, 403, 404, 410, 413, 415, 422, 426, 500];
  return [
    { name: "refused", rule: { fault: "refuse" }, is: AWAY },
    { name: "timeout", rule: { hold: new Promise(() => {}) }, is: AWAY },
    { name: "cut body", rule: { fault: "half" }, is: AWAY },
    { name: "answer lost after the commit", rule: { fault: "lose-answer" }, is: AWAY },
    { name: "answer for another user", rule: { rewrite: (answer) => ({ ...answer, user: uuid7() }) }, is: AWAY },
    ...statuses.map((status) => ({ name: `${status} of a proxy`, rule: { answer: foreign(status) }, is: AWAY })),
    { name: "429 of a proxy", rule: { answer: foreign(429, { "retry-after": String(RETRY_AFTER_S) }) }, is: { ...AWAY, online: false } },
    { name: "503 and HTML", rule: { answer: foreign(503) }, is: AWAY },
    { name: "200 and HTML after a redirect", rule: { answer: { status: 302, headers: { location: PORTAL_PATH } } }, is: AWAY },
  ];
}

/** What our server says. @param {(status: number, code: string, more?: object) => Rule["answer"]} ours @returns {Fault[]} */
function ourFaults(ours) {
  const plain = (/** @type {Seen} */ seen) => seen.headers["content-encoding"] !== "gzip";
  const pushes = (/** @type {Seen[]} */ seen) => seen.filter((each) => each.path.includes("/push") && !each.ruled);
  return [
    { name: "400 of ours", rule: { answer: ours(400, "malformed") }, is: MISCONFIGURED },
    { name: "401 of ours", rule: { answer: ours(401, "signed-out", { user: null }) }, is: SIGNED_OUT },
    { name: "403 of ours", rule: { answer: ours(403, "forbidden") }, is: MISCONFIGURED },
    { name: "404 of ours", rule: { answer: ours(404, "not-found") }, is: MISCONFIGURED },
    {
      name: "410 of ours: a snapshot",
      rule: { answer: ours(410, "cursor-unknown"), times: 1 },
      mended: (seen) => seen.some((each) => each.path.includes("/snapshot") && each.status === 200),
    },
    {
      name: "413 of ours: halves",
      rule: { answer: ours(413, "too-large"), when: (seen) => seen.body?.parcels.length > 1 },
      pull: false,
      mended: (seen) => pushes(seen).filter((each) => each.body.parcels.length === 1).length >= 2,
    },
    { name: "413 of ours for one parcel", rule: { answer: ours(413, "too-large"), when: carriesLarge }, pull: false, notes: LARGE, putBy: true },
    {
      name: "415 of ours: plain",
      rule: { answer: ours(415, "unsupported"), when: (seen) => !plain(seen) },
      pull: false,
      notes: LONG,
      mended: (seen) => pushes(seen).some(plain),
    },
    { name: "422 of ours", rule: { answer: ours(422, "validation") }, is: MISCONFIGURED },
    { name: "426 of ours", rule: { answer: ours(426, "outdated") }, is: OUTDATED },
    { name: "429 of ours", rule: { answer: ours(429, "too-many", { retry_after: RETRY_AFTER_S }) }, is: ASKED },
    { name: "500 of ours", rule: { answer: ours(500, "internal") }, is: BUSY },
    { name: "503 of ours", rule: { answer: ours(503, "unavailable") }, is: BUSY },
  ];
}

/** Every fault. @param {import("./world.mjs").World} world @param {import("./api.mjs").Api} api */
export async function faults(world, api) {
  world.proxy.page(PORTAL_PATH, PORTAL);
  // Our server's own words, with another reason in them: what it leaves out here, it leaves out.
  const { json: real } = await api.request("POST", "/sync/v1/push", "{}");
  /** @param {number} status @param {string} code @param {object} [more] */
  const ours = (status, code, more = {}) => {
    const problem = { ...real, type: `/problems/${code}`, code, status, title: `As our server says ${status}`, detail: "", ...more };
    return { status, headers: { "content-type": "application/problem+json" }, body: JSON.stringify(problem) };
  };
  return [...foreignFaults(), ...ourFaults(ours)];
}

/** What one device's user did, and what therefore must be at the server: each once. */
export class Ledger {
  #api;
  #counter = "";
  #saves = 0;
  #others = 0;
  #names = new Set();

  /** @param {import("./api.mjs").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /** The record whose `visits` every save adds one to: nothing shows a change applied twice as a sum does. */
  async begin() {
    const patch = { name: "Counter", visits: 0 };
    const item = { collection: "customers", id: uuid7(), action: "create", base_version: 0, patch, seen: {}, edited_at: Date.now() };
    const { json, result } = await this.#api.push([item]);
    if (result?.outcome !== "applied") throw new Error(`no counter: ${JSON.stringify(json)}`);
    this.#counter = item.id;
  }

  get counter() {
    return this.#counter;
  }

  get visits() {
    return this.#saves;
  }

  /** Saves a new record of this name, and one more on the counter. @param {Harness} harness @param {string} name @param {string} [notes] */
  async save(harness, name, notes) {
    await this.count(harness);
    await harness.must((sync, fields) => sync.customers.create(fields).then(() => {}), { name, ...(notes ? { notes } : {}) });
    this.#names.add(name);
  }

  /** One more on the counter alone. @param {Harness} harness */
  async count(harness) {
    await harness.must(async (sync, counter) => {
      const row = await sync.customers.get(counter);
      await sync.customers.update(row, { visits: row.fields.visits + 1 });
    }, this.#counter);
    this.#saves += 1;
  }

  /** Another device changes the counter; gives back its new contact. */
  async elsewhere() {
    const [entry] = await this.#api.customersNamed("Counter");
    const contact = `Pak Lain ${(this.#others += 1)}`;
    await this.#api.update(entry, { contact });
    return contact;
  }

  /** What is wrong at the server; nothing, if every change was applied once. */
  async wrong() {
    const records = await this.#api.records("customers");
    const counter = records.find((entry) => entry.id === this.#counter);
    const wanted = { visits: this.#saves, version: 1 + this.#saves + this.#others };
    const found = { visits: counter?.fields.visits, version: counter?.version };
    const wrong = JSON.stringify(found) === JSON.stringify(wanted) ? [] : [`the counter has ${JSON.stringify(found)} for ${JSON.stringify(wanted)}`];
    for (const name of this.#names) {
      const versions = records.filter((entry) => entry.fields.name === name).map((entry) => entry.version);
      if (versions.join() !== "1") wrong.push(`“${name}” has the versions [${versions}] for [1]`);
    }
    return wrong;
  }
}
