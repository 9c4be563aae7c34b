/**
 * Fills the search index in idle time, a slice after the other, once somebody has looked for something; and keeps it up.
 * A save never waits for it.
 */

/** So many records at once: some milliseconds on a phone. */
const SLICE = 50;
/** A page that is never idle gets there, too. */
const IDLE_WITHIN_MS = 1000;
/** A browser that does not say when it is idle (Safari): short slices with pauses between them. */
const PAUSE_MS = 30;
const WITHOUT_ASKING_MS = 8;

export class Indexing {
  #engine;
  #planned = false;

  /** @param {() => import("./types").Engine | undefined} engine The one in use, if any is. */
  constructor(engine) {
    this.#engine = engine;
  }

  /** Something may have to be indexed. */
  plan() {
    if (this.#planned || !this.#engine()?.searchPending()) return;
    this.#planned = true;
    if ("requestIdleCallback" in globalThis) requestIdleCallback((deadline) => this.#work(() => deadline.timeRemaining() > 2), { timeout: IDLE_WITHIN_MS });
    else {
      setTimeout(() => {
        const until = performance.now() + WITHOUT_ASKING_MS;
        this.#work(() => performance.now() < until);
      }, PAUSE_MS);
    }
  }

  /** @param {() => boolean} hasTime */
  #work(hasTime) {
    this.#planned = false;
    let left = this.#engine()?.searchStep(SLICE) ?? 0;
    while (left && hasTime()) left = this.#engine()?.searchStep(SLICE) ?? 0;
    this.plan();
  }
}
