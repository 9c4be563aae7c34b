/** What is done to several unsent records at once, and with one of them alone. */

/** @typedef {import("./types").OutboxEntry} OutboxEntry */
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
