/**
 * A browser with a profile on disk: what is closed or killed here comes back with its IndexedDB, as on a phone. Never an
 * incognito context: that keeps IndexedDB in memory.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chromium, errors } from "playwright-core";
import { until } from "./until.mjs";

const ARGUMENTS = [
  "--headless", // The whole browser. The headless shell has no Background Sync and reports every app installable.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser that has not come up by then never does: it is ended, and started once more. */
const LAUNCH_MS = 60_000;
const LAUNCHES_MAX = 3;

/** The app says "this phone" on one. */
const PHONE = {
  userAgent: "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
  isMobile: true,
  hasTouch: true,
};

/** @typedef {{ executable: string, folder: string, width?: number, height?: number, locale?: string, phone?: boolean }} Options */
/** @typedef {{ at: number, kind: "console" | "error" | "crash", text: string, url: string }} Trouble */

/** @param {string} profile @param {NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>} options */
async function launched(profile, options) {
  for (let launch = 1; ; launch += 1) {
    try {
      return await chromium.launchPersistentContext(profile, options);
    } catch (error) {
      if (launch === LAUNCHES_MAX || !(error instanceof errors.TimeoutError)) throw error;
      console.log(`        (a browser did not come up within ${LAUNCH_MS / 1000} s: it is started again)`);
    }
  }
}

export class Device {
  /** What its pages complained of. @type {Trouble[]} */
  troubles = [];
  /** @type {import("playwright-core").BrowserContext | undefined} */
  #context;
  /** @type {number | undefined} */
  #pid;
  #options;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
  }

  get context() {
    if (!this.#context) throw new Error("this browser is closed");
    return this.#context;
  }

  get open() {
    return this.#context !== undefined;
  }

  /** Starts it, for the first time or again. */
  async start() {
    const { executable, folder, width = 412, height = 800, locale = "en-US", phone = true } = this.#options;
    const context = await launched(join(folder, "profile"), {
      timeout: LAUNCH_MS,
      executablePath: executable,
      headless: false, // Playwright's own headless mode would choose the shell.
      args: ARGUMENTS,
      viewport: { width, height },
      ...(phone ? PHONE : {}),
      locale,
      timezoneId: "Asia/Jakarta",
    });
    this.#context = context;
    context.setDefaultTimeout(15_000);
    context.on("page", (page) => this.#watch(page));
    for (const page of context.pages()) this.#watch(page);
    context.on("close", () => (this.#context = this.#context === context ? undefined : this.#context));
    const session = await this.#browserSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    this.#pid = processInfo.find((/** @type {any} */ info) => info.type === "browser")?.id;
    return this;
  }

  /** The page that it started with, or a new one. @param {string} [url] */
  async page(url) {
    const [first] = this.context.pages();
    const page = first ?? (await this.context.newPage());
    if (url) await page.goto(url);
    return page;
  }

  /** @param {string} url */
  async newPage(url) {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  /** As a person closes it. */
  async close() {
    await this.#context?.close();
    this.#context = undefined;
  }

  /** Deletes its profile: tens of megabytes that nobody will look at. */
  forget() {
    rmSync(join(this.#options.folder, "profile"), { recursive: true, force: true, maxRetries: 3 });
  }

  /** As a phone's battery ends it: no handler runs, nothing is flushed. */
  async kill() {
    const context = this.context;
    const pid = this.#pid;
    if (!pid) throw new Error("the browser's process is not known");
    const closed = new Promise((resolve) => context.once("close", resolve));
    process.kill(pid, "SIGKILL");
    await until("the browser is gone", () => !alive(pid));
    await closed;
    this.#context = undefined;
  }

  /** Closes every page of this origin; a blank one keeps the browser running. */
  async closePages() {
    const pages = this.context.pages();
    await this.context.newPage();
    for (const page of pages) await page.close();
  }

  /** All targets: pages, workers. @returns {Promise<{ type: string, url: string, targetId: string }[]>} */
  async targets() {
    const session = await this.#browserSession();
    const { targetInfos } = await session.send("Target.getTargets");
    await session.detach();
    return targetInfos;
  }

  async #browserSession() {
    const browser = this.context.browser();
    if (!browser) throw new Error("no browser behind this context");
    return browser.newBrowserCDPSession();
  }

  /** @param {import("playwright-core").Page} page */
  #watch(page) {
    const note = (/** @type {Trouble["kind"]} */ kind, /** @type {string} */ text) =>
      void this.troubles.push({ at: Date.now(), kind, text, url: page.url() });
    page.on("console", (message) => message.type() === "error" && note("console", message.text()));
    page.on("pageerror", (error) => note("error", error.stack ?? error.message));
    page.on("crash", () => note("crash", "the page crashed"));
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
