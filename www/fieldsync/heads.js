/** Keeps what the next start shows first, when the page is idle: some time after a list was asked for or has changed, and never within a save. */

const AFTER_MS = 250;
/** A page that is never idle keeps it, too. */
const IDLE_WITHIN_MS = 1000;

export class Heads {
  #engine;
  #planned = false;

  /** @param {() => import("./types").Engine | undefined} engine The one in use, if any is. */
  constructor(engine) {
    this.#engine = engine;
  }

  /** There may be something to keep. */
  plan() {
    if (this.#planned || !this.#engine()?.wantsHeads()) return;
    this.#planned = true;
    setTimeout(() => {
      if ("requestIdleCallback" in globalThis) requestIdleCallback(() => void this.#keep(), { timeout: IDLE_WITHIN_MS });
      else void this.#keep();
    }, AFTER_MS);
  }

  async #keep() {
    try {
      await this.#engine()?.keepHeads();
    } catch (error) {
      console.warn("fieldsync: the next start will take longer", error);
    } finally {
      this.#planned = false;
    }
  }
}
