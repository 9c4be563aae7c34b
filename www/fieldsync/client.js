/**
 * The client that an app holds: the engine, its collections, and what makes them run in a page.
 */
import { openChannel } from "./channel.js";
import { Collection, noteBatch, toRows } from "./collection.js";
import { openConflicts, openMerged } from "./conflicts.js";
import { Cycles, lockName } from "./cycle.js";
import { countRecords, deleteDatabases, otherDatabases, switchDatabase } from "./databases.js";
import { SyncError } from "./errors.js";
import { Heads } from "./heads.js";
import { Indexing } from "./indexing.js";
import { Loading } from "./loading.js";
import { persist, space } from "./persist.js";
import { Repairs } from "./repair.js";
import { openReports } from "./reports.js";
import { openOutbox } from "./outbox.js";
import { Triggers } from "./triggers.js";
import { takeUpdate } from "./worker-bridge.js";

/**
 * @typedef {import("./types").Engine} Engine
 * @typedef {import("./types").EngineEvent} EngineEvent
 * @typedef {import("./types").EngineWrite} EngineWrite
 * @typedef {import("./types").SyncStatus} SyncStatus
 * @typedef {import("./types").BatchCollection} BatchCollection
 * @typedef {import("./types").SyncClient} Contract
 * @typedef {import("./databases.js").Database} Database
 * @typedef {(database: Database, onEvent: (event: EngineEvent) => void, tables?: boolean, prepared?: import("./types/engine.js").PreparedDatabase) => Promise<Engine>} OpenEngine
 * @typedef {import("./collection.js").Saved} Saved
 * @typedef {{ server: string, user: string, schema: string, database: Database, open: OpenEngine }} Setting
 */

const SYNC_WITHIN_MS = 30_000;
const GOODBYE_WITHIN_MS = 5_000;
/** Two servers that answer in turn must not keep a page busy. */
const SWITCH_EVERY_MS_MIN = 3_000;

/** @implements {Contract} */
export class SyncClient extends EventTarget {
  /** @type {Map<string, Collection>} */
  #collections = new Map();
  /** @type {Engine} */
  #engine;
  /** The one before another server answered: forms that were open then still have its records. @type {Engine | undefined} */
  #former;
  #server;
  #open;
  #switching = false;
  #switchedAt = 0;
  #closed = false;
  #cycles;
  #triggers;
  #repairs;
  #indexing = new Indexing(() => (this.#closed ? undefined : this.#engine));
  #heads = new Heads(() => (this.#closed ? undefined : this.#engine));
  #loading = new Loading(() => this.#engine);
  #channel;
  /** As it was when it was last read. @type {SyncStatus} */
  #status;
  /** It may be another by now. */
  #isStale = false;
  /** As it was when the app was last told of a change. @type {SyncStatus} */
  #told;
  #background = "SyncManager" in globalThis;
  #updateReady = false;
  #closedByNewer = false;
  #saves = 0;
  #database;
  /** Writes on their way, by row: Save pressed twice is one change, and one promise. @type {Map<string, Promise<Saved>>} */
  #saving = new Map();

  /** @param {Engine} engine @param {Setting} setting @param {{ listen(handle: (event: EngineEvent) => void): void }} events */
  constructor(engine, { server, user, schema, database, open }, events) {
    super();
    this.#engine = engine;
    this.user = user;
    this.schema = JSON.parse(schema);
    this.#server = server;
    this.#database = database;
    this.#open = open;
    const lock = lockName(server, user);
    this.#cycles = new Cycles(engine, lock);
    this.#channel = openChannel(lock, (message) => void this.#engine.refresh(message));
    this.#triggers = new Triggers((reason) => this.#cycles.request(reason), {
      hasUnsent: () => this.status.pending > 0,
      onBackground: (available) => this.#setBackground(available),
      spare: (data) => this.#engine.spare(data),
    });
    this.#repairs = this.#newRepairs();
    for (const declared of this.schema.collections) {
      const save = (/** @type {EngineWrite[]} */ writes, /** @type {number | undefined} */ holdMs) => this.#save(writes, holdMs);
      const hooks = { ready: () => this.#loading.ready(), searched: () => this.#indexing.plan(), listed: () => this.#heads.plan() };
      this.#collections.set(declared.name, new Collection(declared, () => this.#engine, save, hooks));
    }
    this.#status = this.#told = this.#readStatus();
    events.listen((event) => this.#handle(event));
  }

  start() {
    if (this.#closed) return;
    this.#triggers.start();
    this.#repairs.start();
    this.#loading.start();
  }

  get status() {
    if (this.#isStale && !this.#closed) this.#status = this.#readStatus();
    return this.#status;
  }

  newId() {
    return this.#engine.newId();
  }

  /** @param {string} name */
  collection(name) {
    const found = this.#collections.get(name);
    if (!found) throw new SyncError("not-found", `the schema has no collection "${name}"`);
    return found;
  }

  /** @param {string} text @param {{ collections?: string[], limit?: number }} [options] */
  async search(text, { collections, limit } = {}) {
    await this.#loading.ready();
    const found = toRows(this.#engine.search(JSON.stringify({ text, collections, limit })));
    this.#indexing.plan();
    return found;
  }

  prepareSearch() {
    const begin = () => {
      if (this.#closed) return;
      this.#engine.beginSearch();
      this.#indexing.plan();
    };
    // Whoever looks for something is told if it cannot be read.
    void this.#loading.ready().then(begin, () => {});
  }

  /** @param {(tx: { [collection: string]: BatchCollection }) => void} write @param {{ row?: string }} [options] */
  async batch(write, { row } = {}) {
    const { tx, writes } = noteBatch([...this.#collections.keys()], () => this.newId(), row ?? this.newId());
    write(tx);
    if (writes.length) await this.#save(writes);
  }

  async sync() {
    await Promise.race([this.#triggers.fire("user"), new Promise((done) => setTimeout(done, SYNC_WITHIN_MS))]);
    return this.status;
  }

  async preview() {
    return JSON.parse(await this.#engine.preview());
  }

  get selection() {
    return JSON.parse(this.#engine.selection());
  }

  /** @param {import("./types").SelectionChanges} changes */
  async select(changes) {
    await this.#engine.select(JSON.stringify(changes));
    void this.#triggers.fire("user");
  }

  /** @param {import("./types").SelectionChanges} changes */
  async previewSelection(changes) {
    await this.#loading.ready();
    return JSON.parse(await this.#engine.previewSelection(JSON.stringify(changes)));
  }

  pause = () => this.#engine.pause(true);

  resume = () => this.#engine.pause(false).then(() => void this.#triggers.fire("user"));

  conflicts = openConflicts({ engine: () => this.#engine, ready: () => this.#loading.ready(), saved: () => this.#saved(), restore: (undo) => this.#restore(undo) });

  merged = openMerged({ engine: () => this.#engine, ready: () => this.#loading.ready(), collection: (name) => this.collection(name) });

  outbox = openOutbox({
    engine: () => this.#engine,
    ready: () => this.#loading.ready(),
    saved: () => this.#saved(),
    restore: (undo) => this.#restore(undo),
    peek: (database, work) => this.#peek(database, work),
  });

  history = { list: async (limit = 100) => JSON.parse(await this.#engine.history(limit)) };

  reports = openReports(() => this.#engine);

  drafts = {
    /** @param {string} form */
    get: async (form) => {
      const json = (await this.#engine.draft(form)) ?? (await this.#former?.draft(form).catch(() => undefined));
      return json === undefined ? undefined : JSON.parse(json);
    },
    /** @param {string} form @param {import("./types").Fields} value */
    put: (form, value) => this.#engine.putDraft(form, JSON.stringify(value)),
    /** @param {string} form */
    remove: async (form) => {
      await this.#former?.removeDraft(form).catch(() => {});
      await this.#engine.removeDraft(form);
    },
  };

  async otherDatabases() {
    const others = await otherDatabases(this.#server, this.user, this.#database.name);
    const count = async (/** @type {string} */ name) => countRecords(await this.outbox.export(name));
    return Promise.all(others.map(async (other) => ({ ...other, unsent: await count(other.name) })));
  }

  async diagnostics() {
    return { ...JSON.parse(await this.#engine.diagnostics()), space: await space(), agent: navigator.userAgent };
  }

  async acknowledgeLoss() {
    await this.#engine.acknowledgeLoss();
  }

  async forget() {
    this.#triggers.stop();
    this.#cycles.close();
    // Whoever cannot be told will think this work lost, and say so to this user's next store here: too much, not too little.
    await Promise.race([this.#engine.goodbye().catch(() => {}), new Promise((done) => setTimeout(done, GOODBYE_WITHIN_MS))]);
    this.close();
    await deleteDatabases(this.#server, this.user, this.#database.name);
  }

  async signedIn() {
    await this.#triggers.fire("signed-in");
  }

  async signedOut() {
    await this.#engine.forgetReports();
  }

  /** Takes the new version of the app that the status calls "reload". */
  async reload() {
    await takeUpdate();
  }

  updateReady() {
    this.#updateReady = true;
    this.dispatchEvent(new CustomEvent("reload"));
    this.#statusChanged();
  }

  close() {
    this.#triggers.stop();
    this.#repairs.stop();
    this.#loading.stop();
    this.#cycles.close();
    this.#channel.close();
    for (const collection of this.#collections.values()) collection.stop();
    this.#closed = true;
    this.#engine.close();
    this.#former?.close();
  }

  /** Another database, for a moment. @template T @param {string} name @param {(engine: Engine) => Promise<T>} work */
  async #peek(name, work) {
    const engine = await this.#open({ name }, () => {}, false);
    try {
      return await work(engine);
    } finally {
      engine.close();
    }
  }

  #newRepairs() {
    return new Repairs(this.#engine, this.#cycles, (report) => this.#triggers.after(report));
  }

  /** Another server answers: its own database from now on. This one is kept, with all that is in it. */
  async #switch() {
    if (this.#switching) return;
    this.#switching = true;
    try {
      const early = this.#switchedAt + SWITCH_EVERY_MS_MIN - Date.now();
      if (early > 0) await new Promise((done) => setTimeout(done, early));
      const { serverEpoch: epoch, otherServer } = this.status;
      if (this.#closed || !otherServer) return;
      const from = { name: this.#database.name, epoch };
      const database = await switchDatabase(this.#server, this.user, from, otherServer);
      /** @type {Engine | undefined} */
      let engine;
      engine = await this.#open(database, (event) => void (engine === this.#engine && this.#handle(event)));
      await engine.load();
      if (this.#closed) return engine.close();
      this.#take(engine, database);
    } catch (error) {
      console.warn("fieldsync: the database of another server could not be opened", error); // The next cycle tries again.
    } finally {
      this.#switching = false;
    }
  }

  /** @param {Engine} engine @param {Database} database */
  #take(engine, database) {
    this.#former?.close();
    this.#former = this.#engine; // What is being saved there is saved.
    this.#engine = engine;
    this.#database = database;
    this.#switchedAt = Date.now();
    this.#cycles.close();
    this.#cycles = new Cycles(engine, lockName(this.#server, this.user));
    this.#repairs.stop();
    this.#repairs = this.#newRepairs();
    this.#repairs.start();
    this.#handle({ kind: "changed", collections: [...this.#collections.keys()] });
    this.#statusChanged();
    void this.#triggers.fire("start");
  }

  /** What a form edits may be in the database before: so is its save. @param {EngineWrite[]} writes */
  #engineFor(writes) {
    const former = this.#former;
    const isThere = (/** @type {EngineWrite} */ { action, collection, id }) =>
      action !== "create" && this.#engine.get(collection, id) === undefined && former?.get(collection, id) !== undefined;
    return former && writes.some(isThere) ? former : this.#engine;
  }

  /** @param {EngineWrite[]} writes @param {number} [holdMs] */
  #save(writes, holdMs) {
    const row = writes[0].row;
    let saving = this.#saving.get(row);
    if (!saving) {
      const engine = this.#engineFor(writes);
      saving = engine.save(writes, holdMs).then((json) => ({ engine, json })).finally(() => this.#saving.delete(row));
      this.#saving.set(row, saving);
      saving.then(
        () => this.#saved(),
        // What is not known yet a cycle asks for again: soon, or when somebody can be reached.
        (error) => void (error.code === "not-known-yet" && this.#triggers.saved()),
      );
    }
    return saving;
  }

  #saved() {
    if (this.#saves++ === 0) void persist();
    this.#triggers.saved();
  }

  /** @param {string} undo */
  async #restore(undo) {
    await this.#engine.restore(undo);
    this.#saved();
  }

  /** @param {EngineEvent} event */
  #handle(event) {
    if (event.kind === "status") this.#statusMayHaveChanged();
    else if (event.kind === "wake") this.#channel.post(event.message);
    else if (event.kind === "searchable") for (const collection of this.#collections.values()) collection.searchable();
    else if (event.kind === "reload") {
      this.#closedByNewer = true;
      this.updateReady();
    } else {
      for (const collection of this.#collections.values()) collection.changed(event.collections);
      this.#indexing.plan();
      this.#heads.plan();
      this.dispatchEvent(new CustomEvent("change", { detail: { collections: event.collections } }));
    }
  }

  /** Who saved does not wait for the bar: what is told is gathered, and who asks meanwhile gets it fresh. */
  #statusMayHaveChanged() {
    if (this.#isStale) return;
    this.#isStale = true;
    setTimeout(() => this.#closed || this.#statusChanged());
  }

  #statusChanged() {
    const before = this.#told;
    const status = (this.#told = this.#status = this.#readStatus());
    this.#isStale = false;
    if (status.otherServer) void this.#switch();
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    this.dispatchEvent(new CustomEvent("syncstatuschange", { detail: status }));
    if (status.conflicts > before.conflicts) this.dispatchEvent(new CustomEvent("conflict", { detail: status }));
    if (status.failed > before.failed) this.dispatchEvent(new CustomEvent("failed", { detail: status }));
  }

  /** The engine's facts, and the two that only the page knows. @returns {SyncStatus} */
  #readStatus() {
    const status = { ...this.#engine.status(), background: this.#background };
    const mayLead = this.#closedByNewer || status.state === "synced" || status.state === "outdated";
    if (this.#updateReady && mayLead) status.state = "reload";
    return status;
  }

  /** @param {boolean} background */
  #setBackground(background) {
    if (this.#background === background) return;
    this.#background = background;
    this.#statusChanged();
  }
}
