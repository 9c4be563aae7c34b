/** The ten lines of the README, from another port: opened, taken offline, reloaded, and synced. */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { assert, settles, until } from "../lib/until.mjs";

const TYPES = /** @type {Record<string, string>} */ ({ ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" });

/** Somebody's own web server: the page, the library's folder and its worker. */
class Site {
  #server = createServer((request, response) => void this.#answer(request.url ?? "/", response));
  /** The folder of the examples in the sources, and the built app. @type {string[]} */
  folders = [];
  port = 0;

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const address = this.#server.address();
    if (address && typeof address === "object") this.port = address.port;
  }

  /** @param {string} url @param {import("node:http").ServerResponse} response */
  async #answer(url, response) {
    const { pathname } = new URL(url, "http://site");
    const path = pathname === "/" ? "/ten-lines.html" : normalize(pathname);
    for (const folder of this.folders) {
      const bytes = await readFile(join(folder, path)).catch(() => undefined);
      if (bytes) return response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain" }).end(bytes);
    }
    response.writeHead(404).end();
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const site = new Site();

/** @param {import("playwright-core").Page} page @param {RegExp} words */
async function says(page, words) {
  await settles(`the bar says ${words}`, async () => {
    assert.match(await page.locator("sync-status-bar button.line > span").first().innerText(), words);
  }, 30_000);
}

/** @param {import("playwright-core").Page} page */
async function signIn(page) {
  await page.getByLabel("User name").fill("budi");
  await page.getByLabel("Password").fill("demo1234");
  await page.locator("form").getByRole("button", { name: "Sign in" }).click();
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the ten lines of the README, from another port",
  options: async () => {
    await site.start();
    return { origins: [`http://127.0.0.1:${site.port}`] };
  },
  async run(world) {
    site.folders = [join(world.app, "examples"), world.app, new URL("../../../www/examples", import.meta.url).pathname];
    const device = await world.device();
    const address = `http://127.0.0.1:${site.port}/?server=${encodeURIComponent(world.origin)}`;
    const page = await device.page(address);
    await signIn(page);
    await says(page, /^Up to date/);
    await until("rows are shown", async () => (await page.locator("li").count()) === 50);
    await until("the worker is active", () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === "activated"));

    world.step("everything is gone: the server, and the site itself");
    await world.stopServer();
    await site.stop();
    await page.reload();
    await until("rows are shown, offline", async () => (await page.locator("li").count()) === 50);
    await page.getByLabel("Name", { exact: true }).fill("AAA Sepuluh Baris");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByText("AAA Sepuluh Baris").waitFor();
    await says(page, /1 record/);

    world.step("the server returns; a token is asked for, for there is no cookie on another site");
    await world.returnServer();
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await says(page, /^Sign in to finish sending – 1 record/);
    await signIn(page);
    await says(page, /^Up to date/);
    assert.deepEqual((await (await world.api("budi")).customersNamed("AAA Sepuluh Baris")).map((entry) => entry.version), [1]);
  },
};
