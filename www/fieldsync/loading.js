/**
 * What an engine reads after it was opened: all pages, into memory. Until then the lists of last time have their heads, and
 * whoever asks for anything else waits.
 */

/** A database that could not be read may be able to, later. */
const AGAIN_AFTER_MS = 5_000;

export class Loading {
  #engine;
  /** @type {Promise<void> | undefined} */
  #running;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => import("./types").Engine} engine The one in use. */
  constructor(engine) {
    this.#engine = engine;
  }

  start() {
    this.ready().catch((error) => {
      console.warn("fieldsync: the database could not be read", error);
      this.#timer = setTimeout(() => this.start(), AGAIN_AFTER_MS);
    });
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** Comes back when everything is in memory. @returns {Promise<void>} */
  async ready() {
    if (this.#engine().isLoaded()) return;
    this.#running ??= this.#engine()
      .load()
      .finally(() => void (this.#running = undefined));
    return this.#running;
  }
}
