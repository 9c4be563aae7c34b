/** What is unsent, and what is done to it: to one record, and to several at once: `sync.outbox`. */

/** @typedef {import("./types").OutboxEntry} OutboxEntry */
/** @typedef {import("./types").Engine} Engine */
/** @typedef {{ done: "now" | "later", undo(): Promise<void> }} Discarded */

/**
 * Discards every record that could not be sent, one after the other: what ended with another is passed over. The undo brings
 * all of them back, the last one first, so that what a record names is there before it.
 * @param {OutboxEntry[]} entries @param {(row: string) => Promise<Discarded>} discard
 */
export async function discardAll(entries, discard) {
  /** @type {OutboxEntry[]} */
  const discarded = [];
  /** @type {Discarded[]} */
  const done = [];
  for (const entry of entries.filter(({ status }) => status === "failed")) {
    try {
      done.push(await discard(entry.changes[0].row));
      discarded.push(entry);
    } catch (failure) {
      // It has ended meanwhile, or with one that it cannot be without.
      if (/** @type {{ code?: string }} */ (failure).code !== "not-found") throw failure;
    }
  }
  return {
    discarded,
    done: done.some((one) => one.done === "later") ? /** @type {const} */ ("later") : /** @type {const} */ ("now"),
    async undo() {
      for (const one of done.reverse()) await one.undo();
    },
  };
}

/**
 * Of exported work, what is of some records: their changes, and the parcels that carry any of them.
 * @param {string} text @param {{ collection: string, id: string }[]} records
 */
export function onlyOf(text, records) {
  const exported = JSON.parse(text);
  const is = (/** @type {any} */ change) => records.some(({ collection, id }) => change.collection === collection && change.record === id);
  const outbox = exported.outbox.filter(is);
  const rows = new Set(outbox.map((/** @type {any} */ change) => change.row));
  const parcels = exported.parcels.filter((/** @type {any} */ parcel) => parcel.rows.some((/** @type {string} */ row) => rows.has(row)));
  return JSON.stringify({ ...exported, outbox, parcels }, null, 2);
}

/**
 * @typedef {object} Client
 * @property {() => Engine} engine
 * @property {() => Promise<void>} ready
 * @property {() => void} saved
 * @property {(undo: string) => Promise<void>} restore
 * @property {(database: string, work: (engine: Engine) => Promise<string>) => Promise<string>} peek
 */

/** @param {Client} client @returns {import("./types").SyncClient["outbox"]} */
export function openOutbox({ engine, ready, saved, restore, peek }) {
  /** @returns {Promise<OutboxEntry[]>} */
  const entries = async () => {
    await ready();
    return JSON.parse(engine().outbox());
  };
  /** @type {import("./types").SyncClient["outbox"]["discard"]} */
  const discard = async (row) => {
    const { done, undo } = JSON.parse(await engine().discard(row));
    if (done === "later") saved();
    return { done, undo: () => restore(typeof undo === "string" ? undo : JSON.stringify(undo)) };
  };
  return {
    list: entries,
    retry: async (row) => {
      await ready();
      await engine().retry(row);
      saved();
    },
    retryAll: async () => {
      /** @type {{ tried: OutboxEntry[], unfit: OutboxEntry[] }} */
      const { tried, unfit } = { tried: [], unfit: [] };
      for (const entry of (await entries()).filter(({ status }) => status === "failed")) {
        try {
          await engine().retry(entry.changes[0].row);
          tried.push(entry);
        } catch (failure) {
          const { code } = /** @type {import("./errors.js").SyncError} */ (failure);
          if (code === "invalid" || code === "forbidden") unfit.push(entry);
          else if (code !== "not-found") throw failure; // That one has ended meanwhile.
        }
      }
      saved();
      return { tried, unfit };
    },
    discard,
    discardAll: async (given) => discardAll(given ?? (await entries()), discard),
    exportOf: async (...records) => onlyOf(await engine().exportUnsent(), records),
    undo: async (row) => {
      const answer = JSON.parse(await engine().undo(row));
      saved();
      return answer;
    },
    export: (database) => (database === undefined ? engine().exportUnsent() : peek(database, (other) => other.exportUnsent())),
  };
}
