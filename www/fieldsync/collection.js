/**
 * One collection, as the app uses it: what it says is turned into the writes and queries of the engine.
 */
import { SyncError } from "./errors.js";

/**
 * @typedef {import("./types").Engine} Engine
 * @typedef {import("./types").EngineWrite} EngineWrite
 * @typedef {import("./types").Fields} Fields
 * @typedef {import("./types").RecordView} RecordView
 * @typedef {import("./types").CollectionClient} Contract
 * @typedef {import("./types").Query} Query
 * @typedef {import("./types").Rows} Rows
 * @typedef {import("./types").WriteOptions} WriteOptions
 * @typedef {{ engine: Engine, json: string | undefined }} Saved The engine that has it; and the record, if that is known without asking.
 * @typedef {(writes: EngineWrite[], holdMs?: number) => Promise<Saved>} Save
 * @typedef {{ ready: () => Promise<void>, searched: () => void, listed: () => void }} Hooks `ready`: everything is in memory; `searched` and
 *   `listed`: somebody has looked for something, or asked for a list.
 * @typedef {{ name: string, fields: { [field: string]: any } }} Declared As the schema has it.
 * @typedef {{ query: Query, about: Set<string>, callback: (rows: Rows) => void, last?: string }} Watcher `about`: the collections that it reads.
 */

/** @implements {Contract} */
export class Collection {
  #name;
  #declared;
  #engine;
  #save;
  #hooks;
  /** @type {Set<Watcher>} */
  #watchers = new Set();

  /** @param {Declared} declared @param {() => Engine} engine The one in use. @param {Save} save @param {Hooks} hooks */
  constructor(declared, engine, save, hooks) {
    this.#name = declared.name;
    this.#declared = declared;
    this.#engine = engine;
    this.#save = save;
    this.#hooks = hooks;
  }

  /** @param {Fields} fields @param {WriteOptions & { id?: string }} [options] */
  async create(fields, { id, row, holdMs } = {}) {
    // One of the two names the other, so that either of them given twice is one change.
    const record = id ?? row ?? this.#engine().newId();
    return this.#saved(record, await this.#save([creation(this.#name, record, row ?? record, fields)], holdMs));
  }

  /** @param {RecordView} record @param {Fields} patch @param {WriteOptions} [options] */
  async update(record, patch, { row, holdMs } = {}) {
    return this.#saved(record.id, await this.#save([edit(record, patch, row ?? this.#engine().newId())], holdMs));
  }

  /** @param {RecordView} record @param {WriteOptions} [options] */
  async remove(record, { row, holdMs } = {}) {
    await this.#save([deletion(record, row ?? this.#engine().newId())], holdMs);
  }

  /** @param {string} id @returns {Promise<RecordView | undefined>} */
  async get(id) {
    const json = await this.#bring(id, this.#engine());
    return json === undefined ? undefined : JSON.parse(json);
  }

  /** @param {Query} [query] */
  async list(query = {}) {
    if (!this.#canShow(query)) await this.#hooks.ready();
    return toRows(this.#list(query));
  }

  /** @param {Query} [query] */
  async count(query = {}) {
    await this.#hooks.ready();
    return this.#engine().count(this.#name, JSON.stringify(query));
  }

  /** @param {string} text @param {{ limit?: number }} [options] */
  search(text, { limit } = {}) {
    return this.list({ search: text, limit });
  }

  /** @param {Fields} fields @param {{ id?: string, limit?: number }} [options] @returns {Promise<import("./types").Duplicates>} */
  async duplicates(fields, { id, limit } = {}) {
    await this.#hooks.ready();
    const { found, complete } = JSON.parse(this.#engine().duplicates(this.#name, JSON.stringify({ fields, id, limit })));
    this.#hooks.searched();
    return Object.assign(found, { complete });
  }

  /**
   * The first call back is before this returns: a page that comes back by "Back" is whole at once, and scrolls to where it was. Only
   * right after the start it may be when everything is in memory.
   * @param {Query} query @param {(rows: Rows) => void} callback
   */
  watch(query, callback) {
    const included = (query.include ?? []).map((field) => this.#declared.fields[field]?.refers_to);
    /** @type {Watcher} */
    const watcher = { query, about: new Set([this.#name, ...included]), callback };
    this.#watchers.add(watcher);
    this.#tell(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Something in these collections changed: only those whose result did are called. @param {string[]} collections */
  changed(collections) {
    for (const watcher of [...this.#watchers]) if (collections.some((name) => watcher.about.has(name))) this.#tell(watcher);
  }

  /** The search index has caught up. */
  searchable() {
    for (const watcher of [...this.#watchers]) if (watcher.query.search) this.#tell(watcher);
  }

  stop() {
    this.#watchers.clear();
  }

  /** @param {Query} query */
  #list(query) {
    const json = this.#engine().list(this.#name, JSON.stringify(query));
    if (query.search) this.#hooks.searched();
    else this.#hooks.listed();
    return json;
  }

  /** @param {Query} query */
  #canShow(query) {
    return this.#engine().canShow(this.#name, JSON.stringify(query));
  }

  /** A record, before its turn if not everything is in memory yet. @param {string} id @param {Engine} engine */
  async #bring(id, engine) {
    if (!engine.isLoaded() && !(await engine.bring(this.#name, id))) await this.#hooks.ready();
    return engine.get(this.#name, id);
  }

  /** @param {Watcher} watcher */
  #tell(watcher) {
    // When everything is in memory, everybody is told.
    if (!this.#canShow(watcher.query)) return;
    const json = this.#list(watcher.query);
    const result = resultOf(json);
    if (result === watcher.last) return;
    watcher.last = result;
    watcher.callback(toRows(json));
  }

  /** @param {string} id @param {Saved} saved @returns {Promise<RecordView>} */
  async #saved(id, { engine, json }) {
    json ??= await this.#bring(id, engine);
    if (json === undefined) throw new SyncError("not-found", `${this.#name}/${id} is gone`);
    return JSON.parse(json);
  }
}

/**
 * Notes down the writes of one `batch`. Rows count up from the batch's own, so that the same batch twice is the same rows.
 * @param {string[]} names @param {() => string} newId @param {string} row
 */
export function noteBatch(names, newId, row) {
  /** @type {EngineWrite[]} */
  const writes = [];
  const next = () => nthRow(row, writes.length);
  /** @type {{ [collection: string]: import("./types").BatchCollection }} */
  const tx = {};
  for (const name of names) {
    tx[name] = {
      create(fields, { id = newId() } = {}) {
        writes.push(creation(name, id, next(), fields));
        return id;
      },
      update: (record, patch) => void writes.push(edit(record, patch, next())),
      remove: (record) => void writes.push(deletion(record, next())),
    };
  }
  return { tx, writes };
}

/**
 * The row ids of one group: the batch's own, then the same with its last 16 bits counted up.
 * @param {string} row @param {number} index
 */
export function nthRow(row, index) {
  if (index === 0) return row;
  const last = (Number.parseInt(row.slice(-4), 16) + index) % 0x10000;
  return row.slice(0, -4) + last.toString(16).padStart(4, "0");
}

/** @param {string} collection @param {string} id @param {string} row @param {Fields} fields @returns {EngineWrite} */
function creation(collection, id, row, fields) {
  return { row, collection, id, action: "create", seen: { version: 0, fields: {} }, written: fields };
}

/** An update saw the fields that it writes. @param {RecordView} record @param {Fields} patch @param {string} row @returns {EngineWrite} */
function edit(record, patch, row) {
  /** @type {Fields} */
  const seen = {};
  for (const name of Object.keys(patch)) seen[name] = record.fields[name] ?? null;
  const { collection, id, version } = record;
  return { row, collection, id, action: "update", seen: { version, fields: seen }, written: patch };
}

/** A delete saw all. @param {RecordView} record @param {string} row @returns {EngineWrite} */
function deletion({ collection, id, version, fields }, row) {
  return { row, collection, id, action: "delete", seen: { version, fields }, written: {} };
}

/** What an answer gives, without when that was last pulled: it is the same after a pull that brought nothing to it. @param {string} json */
function resultOf(json) {
  return json.slice(0, json.lastIndexOf(',"lastSyncedAt":'));
}

/** @param {string} json @returns {Rows} */
export function toRows(json) {
  /** @type {{ records: RecordView[], complete: boolean, lastSyncedAt: number | null }} */
  const { records, complete, lastSyncedAt } = JSON.parse(json);
  if (lastSyncedAt !== null) for (const record of records.flatMap(withIncluded)) record.lastSyncedAt = lastSyncedAt;
  return Object.assign(records, { complete });
}

/** @param {RecordView} record @returns {RecordView[]} */
function withIncluded(record) {
  return record.included ? [record, ...Object.values(record.included).flat()] : [record];
}
