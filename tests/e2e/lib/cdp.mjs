/** What only the browser itself knows: open pages, workers, whether it would install the app. */
import { assert, until } from "./until.mjs";

/** @typedef {import("./browser.mjs").Device} Device */

/** No page or frame of this origin is open. @param {Device} device @param {string} origin */
export async function assertNoPage(device, origin) {
  const open = (await device.targets()).filter((target) => target.type !== "service_worker" && target.url.startsWith(origin));
  assert.deepEqual(open.map((target) => target.url), [], "no page of the app is open");
}

/** Ends every worker, so that an event must start it again. @param {import("playwright-core").Page} page */
export async function stopWorkers(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  await session.detach();
}

/** Clears what a browser clears when it runs short, and keeps the cookies. @param {import("playwright-core").Page} page @param {string} origin */
export async function clearStorage(page, origin) {
  const session = await page.context().newCDPSession(page);
  const storageTypes = "indexeddb,local_storage,service_workers,cache_storage";
  await session.send("Storage.clearDataForOrigin", { origin, storageTypes });
  await session.detach();
}

/** What stops the browser from installing the app; empty: nothing. @param {import("playwright-core").Page} page @returns {Promise<any[]>} */
export async function installabilityErrors(page) {
  const session = await page.context().newCDPSession(page);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  await session.detach();
  return installabilityErrors;
}

/** The manifest as the browser read it. @param {import("playwright-core").Page} page @returns {Promise<{ url: string, errors: any[], data?: string }>} */
export async function manifest(page) {
  const session = await page.context().newCDPSession(page);
  const found = await session.send("Page.getAppManifest");
  await session.detach();
  return found;
}

/** What the user answered, or the browser decided, about a permission. @param {Device} device @param {string} origin @param {string} name @param {"granted" | "denied" | "prompt"} setting */
export async function permit(device, origin, name, setting) {
  const session = await device.context.browser()?.newBrowserCDPSession();
  await session?.send("Browser.setPermission", { origin, permission: { name }, setting });
  // It lasts as long as the session that asked for it: that one stays.
}

/**
 * Another page is looked at. Playwright keeps every page visible; only the session that asked for that can take it back, so it
 * is taken from inside.
 * @param {import("playwright-core").Page} page @param {import("playwright-core").Page} instead The page that is looked at.
 */
export async function hide(page, instead) {
  const inside = /** @type {any} */ (page)._connection.toImpl(page).delegate._mainFrameSession._client;
  await inside.send("Emulation.setFocusEmulationEnabled", { enabled: false });
  await instead.bringToFront();
  await until("the page is hidden", () => page.evaluate(() => document.visibilityState === "hidden"));
}

/**
 * Freezes a page as a phone does with one that is not looked at: its locks stay, its tasks stop. A visible page is never frozen.
 * @param {import("playwright-core").Page} page @param {import("playwright-core").Page} instead The page that is looked at.
 */
export async function freeze(page, instead) {
  await hide(page, instead);
  await page.evaluate(() => document.addEventListener("freeze", () => Object.assign(globalThis, { frozen: true }), { once: true }));
  await lifecycle(page, "frozen");
  await until("the page is frozen", () => page.evaluate(() => /** @type {any} */ (globalThis).frozen));
}

/** @param {import("playwright-core").Page} page */
export async function thaw(page) {
  await lifecycle(page, "active");
  await page.evaluate(() => Object.assign(globalThis, { frozen: false }));
}

/** @param {import("playwright-core").Page} page @param {"frozen" | "active"} state */
async function lifecycle(page, state) {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state });
  await session.detach();
}
