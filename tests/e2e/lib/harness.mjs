/**
 * The library on an empty page, for stories about what it promises to a developer: the same file that the ten lines of the
 * README load, without the demo CRM around it and without a worker.
 */
import { until } from "./until.mjs";

export const HARNESS_PATH = "/test-harness/";
export const HARNESS_HTML = "<!doctype html><html lang=en><meta charset=utf-8><title>Harness</title><link rel=icon href='data:,'>";

/** @typedef {import("playwright-core").Page} Page */

export class Harness {
  #origin;

  /** @param {Page} page @param {string} origin */
  constructor(page, origin) {
    this.page = page;
    this.#origin = origin;
  }

  /** Opens the library as this user of the demo. @param {string} username */
  async open(username) {
    await this.page.evaluate(
      async ({ username }) => {
        const window = /** @type {any} */ (globalThis);
        const path = "/fieldsync/fieldsync.js";
        const { Auth, openClient } = await import(path);
        const auth = new Auth();
        const demo = (await auth.demoUsers()).find((/** @type {any} */ user) => user.username === username);
        const profile = await auth.signIn(username, demo.password);
        const getAccessToken = (/** @type {string} */ reason) => auth.accessToken(reason, profile.id);
        window.auth = auth;
        window.sync = await openClient({ user: profile, profile, getAccessToken, serviceWorker: false });
      },
      { username },
    );
  }

  /**
   * Runs a function in the page with `(sync, argument)`. An error comes back as a value: `{ error: { code, … } }`.
   * @param {(sync: any, argument: any) => any} work @param {any} [argument]
   */
  async run(work, argument) {
    const told = "({ name, message, code, retryable, field }) => ({ error: { name, message, code, retryable, field } })";
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
      return status.state === "synced" && status.pending === 0;
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
