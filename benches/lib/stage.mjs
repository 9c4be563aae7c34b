/** One measurement's stage: a server, a browser with an empty profile on disk, and a page of the server's own origin. */
import { join } from "node:path";
import { Device } from "../../tests/e2e/lib/browser.mjs";
import { USER } from "./servers.mjs";

/** @typedef {import("./servers.mjs").Running} Running */
/** @typedef {{ name: string, module: string, batch?: number }} Library */

/** How long the slowest step may take. */
const STEP_MS_MAX = 180_000;
/** What a step leaves behind may end before the next is measured. */
const SETTLE_MS = 1500;

export class Stage {
  #device;
  #page;
  #library;
  #total;

  /** @param {Running} server @param {Device} device @param {import("playwright-core").Page} page @param {Library} library @param {number} total */
  constructor(server, device, page, library, total) {
    this.server = server;
    this.#device = device;
    this.#page = page;
    this.#library = library;
    this.#total = total;
  }

  /** @param {Running} server @param {Library} library @param {{ chromium: string, out: string, total: number }} options */
  static async open(server, library, { chromium, out, total }) {
    const device = new Device({ executable: chromium, folder: join(out, "device"), phone: false });
    device.forget();
    try {
      await device.start();
      const stage = new Stage(server, device, await device.page(), library, total);
      await stage.load();
      return stage;
    } catch (error) {
      await device.close();
      await server.stop();
      throw error;
    }
  }

  /** The page anew, with the library open. */
  async load() {
    this.#page.setDefaultTimeout(STEP_MS_MAX);
    await this.#page.goto(`${this.server.origin}/bench.html`);
    await this.call("open", { total: this.#total, batch: this.#library.batch, ...USER });
  }

  /** Calls the page side of the library, or of another one. @param {string} name @param {...any} given @returns {Promise<any>} */
  async call(name, ...given) {
    return this.callOf(this.#library.module, name, ...given);
  }

  /** @param {string} module @param {string} name @param {...any} given @returns {Promise<any>} */
  async callOf(module, name, ...given) {
    const run = async (/** @type {{ path: string, name: string, given: any[] }} */ { path, name, given }) => {
      const side = await import(path);
      return side[name](...given);
    };
    const answer = this.#page.evaluate(run, { path: `/bench/${module}.js`, name, given });
    return within(answer, `${this.#library.name}: ${name}`);
  }

  async offline() {
    await this.#device.context.setOffline(true);
  }

  /** Milliseconds from the network's return until everything is confirmed. */
  async drain() {
    await this.#page.waitForTimeout(SETTLE_MS);
    const drained = this.call("drain");
    await this.#page.waitForTimeout(100);
    await this.#device.context.setOffline(false);
    return drained;
  }

  async close() {
    await this.#device.close();
    this.#device.forget();
    await this.server.stop();
  }
}

/** @template T @param {Promise<T>} work @param {string} what @returns {Promise<T>} */
function within(work, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const patience = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${STEP_MS_MAX / 1000} s`)), STEP_MS_MAX);
  });
  return Promise.race([work, /** @type {Promise<never>} */ (patience)]).finally(() => clearTimeout(timer));
}
