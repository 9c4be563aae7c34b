/**
 * What starts a cycle in a page. All of it ends in one `requestSync(reason)`; the engine decides whether to go.
 */

import { noteLastChance, readLastChance } from "./identity.js";

/** @typedef {import("./types").Reason} Reason */
/** @typedef {import("./types").CycleReport} CycleReport */

export const SAVED_DEBOUNCE_MS = 250;
export const TIMER_MS = 5 * 60_000;
export const TIMER_SAVING_MS = 15 * 60_000;
/** The one tag of Background Sync: the worker knows it too. */
export const TAG = "fieldsync-outbox";
const PULL_TAG = "fieldsync-pull";
const PULL_EVERY_MS = 12 * 3_600_000;
const WAKE_MIN_MS = 50;

/** @typedef {{ register(tag: string): Promise<void>, getTags(): Promise<string[]> }} SyncManager */

export class Triggers {
  #requestSync;
  #hasUnsent;
  #onBackground;
  #spare;
  #stop = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saved;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #wake;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** At hand for a page that goes: it must not ask for this first, for it does not live to hear the answer. @type {SyncManager | undefined} */
  #background;

  /**
   * @param {(reason: Reason) => Promise<CycleReport | undefined>} requestSync
   * @param {{ hasUnsent: () => boolean, onBackground: (available: boolean) => void, spare: (data: boolean) => void }} options
   */
  constructor(requestSync, { hasUnsent, onBackground, spare }) {
    this.#requestSync = requestSync;
    this.#hasUnsent = hasUnsent;
    this.#onBackground = onBackground;
    this.#spare = spare;
  }

  start() {
    const { signal } = this.#stop;
    addEventListener("online", () => this.fire("online"), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.fire("pageshow"), { signal });
    // A page that is left for another site is not heard any more at `pagehide`; one that is closed knows no `beforeunload`.
    for (const going of ["beforeunload", "pagehide"]) {
      addEventListener(going, () => this.#hasUnsent() && this.registerBackground(), { signal });
    }
    document.addEventListener(
      "visibilitychange",
      () => {
        if (document.visibilityState === "visible") this.fire("visible");
        else if (this.#hasUnsent()) this.registerBackground();
      },
      { signal },
    );
    this.#armTimer();
    void this.#keepBackground();
    void registerPull();
    void this.fire("start").then(() => this.#startBackground());
  }

  /** @param {Reason} reason */
  async fire(reason) {
    try {
      this.#spare(savesData());
      const report = await this.#requestSync(reason);
      if (report) this.after(report);
      return report;
    } catch (error) {
      // A cycle does not reject for the network; what is left is a closed or broken database, which the status shows.
      console.warn("fieldsync: a cycle failed", error);
      return undefined;
    }
  }

  /** A save was committed: a burst of them is one cycle. */
  saved() {
    clearTimeout(this.#saved);
    this.#saved = setTimeout(async () => {
      await this.fire("saved");
      if (this.#hasUnsent()) this.registerBackground();
    }, SAVED_DEBOUNCE_MS);
  }

  /** @param {number | undefined} at When the engine wants to be called again. */
  wakeAt(at) {
    clearTimeout(this.#wake);
    if (at === undefined) return;
    this.#wake = setTimeout(() => this.fire("timer"), Math.max(WAKE_MIN_MS, at - Date.now()));
  }

  /** Feature detection is not enough: where background work is switched off, `register` rejects. */
  async registerBackground() {
    try {
      const manager = this.#background ?? backgroundOf(await navigator.serviceWorker?.getRegistration());
      if (!manager) throw new Error("no Background Sync here");
      await manager.register(TAG);
      this.#onBackground(true);
      return true;
    } catch {
      this.#onBackground(false);
      return false;
    }
  }

  /** What is left from before may be sent with the app closed, or may not: the status says so from the start. */
  async #startBackground() {
    await this.#afterLastChance();
    if (this.#hasUnsent()) await this.registerBackground();
  }

  /** The browser has given up what is left, with no page open: until it takes it again, only an open app sends. */
  async #afterLastChance() {
    try {
      if (!(await readLastChance())) return;
      if (this.#hasUnsent()) {
        this.#onBackground(false);
        if (!(await this.registerBackground())) return;
      }
      await noteLastChance(undefined);
    } catch (error) {
      console.warn("fieldsync: what the worker left could not be read", error);
    }
  }

  /** The first question connects it to the browser, for which a page that goes has no time either. */
  async #keepBackground() {
    try {
      this.#background = backgroundOf(await navigator.serviceWorker?.ready);
      await this.#background?.getTags();
    } catch {
      // Switched off: `register` will say so when it is needed.
    }
  }

  stop() {
    this.#stop.abort();
    for (const timer of [this.#saved, this.#wake, this.#timer]) clearTimeout(timer);
  }

  /** @param {CycleReport} report */
  after(report) {
    const times = [report.wakeAt, report.heldUntil].filter((time) => time !== undefined);
    this.wakeAt(times.length ? Math.min(...times) : undefined);
  }

  #armTimer() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (document.visibilityState === "visible") this.fire("timer");
        this.#armTimer();
      },
      savesData() ? TIMER_SAVING_MS : TIMER_MS,
    );
  }
}

/** @param {ServiceWorkerRegistration | undefined} registration */
function backgroundOf(registration) {
  return /** @type {{ sync?: SyncManager } | undefined} */ (/** @type {unknown} */ (registration))?.sync;
}

/** Installed apps that are used may fetch now and then while closed; elsewhere this rejects, and nothing is lost. */
async function registerPull() {
  try {
    const registration = await navigator.serviceWorker?.ready;
    const manager = /** @type {{ periodicSync?: { register(tag: string, options: object): Promise<void> } }} */ (
      /** @type {unknown} */ (registration)
    )?.periodicSync;
    await manager?.register(PULL_TAG, { minInterval: PULL_EVERY_MS });
  } catch {
    // Not installed, or not allowed.
  }
}

/** Whether the user or the network asks for less traffic. Safari and Firefox do not tell. */
export function savesData() {
  const connection = /** @type {{ connection?: { saveData?: boolean, effectiveType?: string } }} */ (
    /** @type {unknown} */ (navigator)
  ).connection;
  return connection?.saveData === true || /2g$/.test(connection?.effectiveType ?? "");
}
