/** One measurement's stage: a server, a browser with an empty profile on disk, and a page of the server's own origin. */
import { join } from "node:path";
import { Device } from "../../tests/e2e/lib/browser.mjs";
import { USER } from "./servers.mjs";

/** @typedef {import("./servers.mjs").Running} Running */
/** @typedef {import("./libraries.mjs").Library} Library */
/** @typedef {{ chromium: string, out: string, total: number, begin?: string, throttle?: number }} Options `begin`: what the page side does at first; `throttle`: how many times slower the processor is, from before the first request on. */

/** The page's clock has steps. */
export const CLOCK_STEP_MS = 0.1;
/** How long the slowest step may take. */
const STEP_MS_MAX = 180_000;
/** What a step leaves behind may end before the next is measured. */
const SETTLE_MS = 1500;

export class Stage {
  #device;
  #page;
  #library;
  #options;
  /** @type {import("playwright-core").CDPSession | undefined} */
  #session;

  /** @param {Running} server @param {Device} device @param {import("playwright-core").Page} page @param {Library} library @param {Options} options */
  constructor(server, device, page, library, options) {
    this.server = server;
    this.#device = device;
    this.#page = page;
    this.#library = library;
    this.#options = options;
  }

  /** @param {Running} server @param {Library} library @param {Options} options */
  static async open(server, library, options) {
    const device = new Device({ executable: options.chromium, folder: join(options.out, "device"), phone: false });
    device.forget();
    try {
      await device.start();
      const stage = new Stage(server, device, await device.page(), library, options);
      if (options.throttle) await stage.throttle(options.throttle);
      await stage.load();
      return stage;
    } catch (error) {
      await device.close();
      await server.stop();
      throw error;
    }
  }

  /** The page anew, with the library open; or with what `begin` names done. */
  async load() {
    const { total, begin = "open" } = this.#options;
    this.#page.setDefaultTimeout(STEP_MS_MAX);
    await this.#page.goto(`${this.server.origin}/bench.html`);
    await this.call(begin, { total, batch: this.#library.batch, ...USER });
  }

  /** A page that starts the library by itself; milliseconds from the navigation until the first rows are there. @returns {Promise<number>} */
  async navigate() {
    // Away first: another fragment of the same page would be no navigation.
    await this.#page.goto("about:blank");
    await this.#page.goto(`${this.server.origin}/opening.html#${this.#library.module}`);
    return within(this.#page.evaluate(() => Reflect.get(globalThis, "firstRowsAt")), `${this.#library.name}: opening`);
  }

  /** @param {number} rate So many times slower; 1: as it is. */
  async throttle(rate) {
    await (await this.#cdp()).send("Emulation.setCPUThrottlingRate", { rate });
  }

  /** Bytes of JavaScript's heap that are reachable, with its array buffers; the wasm's memory is not among them. */
  async heapBytes() {
    const session = await this.#cdp();
    await session.send("HeapProfiler.enable");
    await session.send("HeapProfiler.collectGarbage");
    // What the first left to finalizers.
    await session.send("HeapProfiler.collectGarbage");
    const usage = await session.send("Runtime.getHeapUsage");
    await session.send("HeapProfiler.disable");
    return usage.usedSize + usage.backingStorageSize;
  }

  async #cdp() {
    return (this.#session ??= await this.#device.context.newCDPSession(this.#page));
  }

  /** What a step leaves behind may end before the next is measured. */
  async settle(ms = SETTLE_MS) {
    await this.#page.waitForTimeout(ms);
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
    await this.settle();
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
