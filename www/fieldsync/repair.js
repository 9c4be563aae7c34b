/**
 * Repairs what is stuck: work that could go, and does not, although the server answers. The engine decides that (and how often);
 * here the lock is taken from whoever has it, the database opened again, memory built anew, and one cycle run.
 */

/** @typedef {import("./types").CycleReport} CycleReport */

export const LOOK_EVERY_MS = 60_000;

export class Repairs {
  #engine;
  #cycles;
  #onReport;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {Pick<import("./types").Engine, "wantsRepair" | "repair" | "cycle">} engine
   * @param {import("./cycle.js").Cycles} cycles
   * @param {(report: CycleReport) => void} onReport
   */
  constructor(engine, cycles, onReport) {
    this.#engine = engine;
    this.#cycles = cycles;
    this.#onReport = onReport;
  }

  start() {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #look() {
    // A page that nobody sees is throttled, and may be frozen: what it thinks of time is no reason to repair.
    if (document.visibilityState !== "visible" || !this.#engine.wantsRepair()) return;
    try {
      const report = await this.#cycles.takeOver(async () => {
        await this.#engine.repair();
        return this.#engine.cycle("start");
      });
      if (report) this.#onReport(report);
    } catch (error) {
      console.warn("fieldsync: a repair failed", error); // The status still says that work is stuck.
    }
  }
}
