/** axe finds nothing on the main pages at 360 px, in both themes, in every state of the bar, and in the dialog. */
import { nothingFound } from "../lib/axe.mjs";
import { assert } from "../lib/until.mjs";

const STATES = ["signed-out", "failed", "conflict", "offline", "sending", "waiting", "stuck", "first-sync", "full", "lost", "outdated", "reload", "misconfigured", "synced"];
/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @param {string} state */
async function show(page, state) {
  await page.locator("sync-status-bar").evaluate((bar, state) => {
    const now = Date.now();
    const status = { state, pending: 3, sending: { done: 1, total: 12, name: "PT Askrindo" }, failed: 2, conflicts: 1, putOff: 0, sentToday: 4 };
    /** @type {any} */ (bar).status = { ...status, lastSyncedAt: now - 120_000, nextAttemptAt: now + 40_000, oldestUnsentAt: now - 3_600_000, progress: { done: 3200, total: 10_000, bytes: 1 }, errors: [], background: true };
  }, state);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "axe finds nothing at 360 px, in both themes, in every state of the bar",
  limitMs: 300_000,
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    const entry = await device.page(`${world.origin}/sign-in`);
    await entry.getByText("Budi Santoso").waitFor();
    await nothingFound(entry, "/sign-in");
    const budi = await world.signedIn(device, "budi");
    const { page } = budi;
    const id = await budi.createCustomer({ name: "PT Aksesibel", phone: "+62 811 3333", notes: "x" });
    await budi.upToDate();
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const path of ["/", "/customers", "/customers/new", `/customers/${id}`, "/pipeline", "/overview", `/activities/new?customer=${id}`, "/sync", "/settings"]) {
        await budi.load(path);
        await page.locator("sync-status-bar .bar").waitFor();
        await page.waitForTimeout(200);
        await nothingFound(page, `${path}, ${colorScheme}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
      }
      for (const state of STATES) {
        await show(page, state);
        await nothingFound(page, `bar ${state}, ${colorScheme}`, 'document.querySelector("sync-status-bar")');
      }
    }
    await managersPages(world, id);
  },
};

/** What only a manager has, with and without a connection. @param {import("../lib/world.mjs").World} world @param {string} customer */
async function managersPages(world, customer) {
  const ahmad = await world.signedIn(await world.device("desk", { width: 360, height: 740 }), "ahmad");
  const { page } = ahmad;
  for (const words of ["with a connection", "without"]) {
    for (const path of ["/customers", `/customers/${customer}`, "/settings", "/overview"]) {
      await ahmad.load(path);
      if (path === "/customers") await page.getByRole("button", { name: "Choose several" }).click();
      await page.waitForTimeout(300);
      await nothingFound(page, `${path} of a manager, ${words}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${path} of a manager is ${wide} px too wide`);
      await page.screenshot({ path: `${world.folder}/manager${path.replaceAll("/", "-").slice(0, 12)}-${words.split(" ")[0]}.png`, fullPage: true });
    }
    await world.proxy.unplug();
  }
}
