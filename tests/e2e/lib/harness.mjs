/**
 * The library on an empty page, for stories about what it promises to a developer: the same file that the ten lines of the
 * README load, without the demo CRM around it, and without a worker unless it is asked for.
 */
import { until } from "./until.mjs";

/** Below the server's own paths: the app's worker leaves it alone. */
export const HARNESS_PATH = "/test/harness/";
export const HARNESS_HTML = "<!doctype html><html lang=en><meta charset=utf-8><title>Harness</title><link rel=icon href='data:,'>";

/** @typedef {import("playwright-core").Page} Page */

export class Harness {
  #origin;

  /** @param {Page} page @param {string} origin */
  constructor(page, origin) {
    this.page = page;
    this.#origin = origin;
  }

  /**
   * Opens the library as this user of the demo. With `worker`, the demo's worker sends in the background; with `again`, the
   * cookie of the last visit signs in.
   * @param {string} username @param {{ worker?: boolean, again?: boolean }} [options]
   */
  async open(username, { worker = false, again = false } = {}) {
    await this.page.evaluate(
      async ({ username, worker, again }) => {
        const window = /** @type {any} */ (globalThis);
        const path = "/fieldsync/fieldsync.js";
        const { Auth, openClient } = await import(path);
        const auth = new Auth();
        const demo = async () => (await auth.demoUsers()).find((/** @type {any} */ user) => user.username === username);
        const profile = again ? await auth.resume() : await auth.signIn(username, (await demo()).password);
        const getAccessToken = (/** @type {string} */ reason) => auth.accessToken(reason, profile.id);
        window.auth = auth;
        window.sync = await openClient({ user: profile, profile, getAccessToken, serviceWorker: worker ? "/sw.js" : false });
        if (worker) await navigator.serviceWorker.ready;
      },
      { username, worker, again },
    );
  }

  /**
   * Runs a function in the page with `(sync, argument)`. An error comes back as a value: `{ error: { code, … } }`.
   * @param {(sync: any, argument: any) => any} work @param {any} [argument]
   */
  async run(work, argument) {
    const told = "({ name, message, code, retryable, field, violations }) => ({ error: { name, message, code, retryable, field, violations } })";
    const call = `(async () => (${work})(globalThis.sync, ${JSON.stringify(argument) ?? "undefined"}))()`;
    return this.page.evaluate(`${call}.catch(${told})`);
  }

  /** The same, for what must not fail. @param {(sync: any, argument: any) => any} work @param {any} [argument] */
  async must(work, argument) {
    const result = await this.run(work, argument);
    if (result?.error) throw new Error(`the library refused: ${JSON.stringify(result.error)}`);
    return result;
  }

  status() {
    return this.must((sync) => JSON.parse(JSON.stringify(sync.status)));
  }

  /** Until everything has been sent and pulled. @param {number} [limitMs] */
  async synced(limitMs = 30_000) {
    return until("the library says that it is synced", async () => {
      const status = await this.status();
      return status.state === "synced" && status.pending === 0 && status.lastSyncedAt !== undefined;
    }, limitMs, 100);
  }

  /** Goes away without a word. */
  async close() {
    await this.page.close();
  }

  get origin() {
    return this.#origin;
  }
}
