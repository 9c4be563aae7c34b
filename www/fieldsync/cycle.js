/**
 * One cycle at a time for each server and user, in all pages and the worker.
 *
 * A Web Lock spares double work; correctness never depends on it. A frozen tab keeps its locks, so a waiter takes
 * the lock away after 130 s, which is longer than the longest cycle (120 s, in the worker).
 */

/** @typedef {import("./types").Reason} Reason */
/** @typedef {import("./types").CycleReport} CycleReport */
/** @typedef {Pick<import("./types").Engine, "wants" | "cycle" | "refresh">} CycleEngine */

export const STEAL_AFTER_MS = 130_000;

/** @param {string} server @param {string} user */
export function lockName(server, user) {
  return `fieldsync:${server}:${user}`;
}

/**
 * Runs `work` under the lock, or without one where there are none.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {number} [stealAfterMs]
 * @returns {Promise<T>}
 */
export async function withLock(name, work, stealAfterMs = STEAL_AFTER_MS) {
  if (!navigator.locks) return work();
  // The outcome of `work` is kept here: if the lock is stolen from us, `request` rejects although the work goes on.
  /** @type {Promise<T> | undefined} */
  let outcome;
  const run = () => (outcome = work());
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), stealAfterMs);
  try {
    await navigator.locks.request(name, { signal: patience.signal }, () => {
      clearTimeout(timer);
      return run();
    });
  } catch (error) {
    if (!outcome && patience.signal.aborted) await navigator.locks.request(name, { steal: true }, run).catch(() => {});
    if (!outcome) throw error;
  } finally {
    clearTimeout(timer);
  }
  return /** @type {Promise<T>} */ (outcome);
}

export class Cycles {
  /** @type {Promise<CycleReport | undefined> | undefined} */
  #running;
  /** @type {Reason | undefined} */
  #next;
  #engine;
  #lock;
  #closed = false;

  /** @param {CycleEngine} engine @param {string} lock */
  constructor(engine, lock) {
    this.#engine = engine;
    this.#lock = lock;
  }

  /**
   * Single flight: while one runs, further requests are one more run behind it, so that a save made after its push was
   * planned is not forgotten.
   * @param {Reason} reason
   * @returns {Promise<CycleReport | undefined>} Undefined if nothing had to be done.
   */
  request(reason) {
    if (this.#closed) return Promise.resolve(undefined);
    if (this.#running) {
      if (this.#next !== "user") this.#next = reason;
      return this.#running.then(() => this.#follow());
    }
    return this.#hold(this.#run(reason));
  }

  /**
   * Takes the lock from whoever has it, and gives up a run that hangs: for a repair.
   * @param {() => Promise<CycleReport>} work
   */
  takeOver(work) {
    return this.#hold(withLock(this.#lock, work, 0));
  }

  /** @param {Promise<CycleReport | undefined>} run */
  #hold(run) {
    const held = run.finally(() => {
      // A run that was given up may end late.
      if (this.#running === held) this.#running = undefined;
    });
    this.#running = held;
    return held;
  }

  close() {
    this.#closed = true;
  }

  #follow() {
    const reason = this.#next;
    this.#next = undefined;
    // Whoever comes first starts the run; the others find it running and share it.
    return reason ? this.request(reason) : this.#running;
  }

  /** @param {Reason} reason */
  async #run(reason) {
    if (!this.#engine.wants(reason)) return undefined;
    return withLock(this.#lock, async () => {
      if (this.#closed) return undefined;
      await this.#engine.refresh();
      // Another context may have done it while we waited; the user's own wish is always followed.
      if (reason !== "user" && !this.#engine.wants(reason)) return undefined;
      return this.#engine.cycle(reason);
    });
  }
}
