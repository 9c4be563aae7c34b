/**
 * Story 33: a page's memory believes in a change that the database does not have any more, so nothing will ever end it (what was
 * frozen of it is sent). The bar says that it is stuck, the page opens everything anew, and the bar says the truth. A second
 * tab meanwhile holds the lock for ever: it is taken away.
 */
import { assert, until } from "../lib/until.mjs";

const MINUTE_MS = 60_000;

/** @typedef {import("playwright-core").Page} Page */

/** Lets the page's clock run, and everything that is due in it happen, minute by minute: it is awake. @param {Page} page @param {number} count */
async function minutes(page, count) {
  for (let minute = 0; minute < count; minute += 1) {
    await page.clock.fastForward(MINUTE_MS);
    await page.waitForTimeout(100);
  }
}

/** Takes the whole outbox out of the database, past the library. @param {Page} page */
async function emptyOutbox(page) {
  await page.evaluate(async () => {
    const { name } = (await indexedDB.databases()).find(({ name }) => name?.startsWith("fieldsync ")) ?? {};
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(/** @type {string} */ (name));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    await new Promise((resolve, reject) => {
      const transaction = database.transaction("outbox", "readwrite");
      transaction.objectStore("outbox").clear();
      transaction.oncomplete = resolve;
      transaction.onabort = reject;
    });
    database.close();
  });
}

/** Notes every line that the bar shows. @param {Page} page */
async function watchBar(page) {
  await page.evaluate(() => {
    const bar = /** @type {ShadowRoot} */ (document.querySelector("sync-status-bar")?.shadowRoot);
    const lines = /** @type {string[]} */ ((/** @type {any} */ (globalThis).said = []));
    const note = () => lines.push(bar.querySelector("button.line > span")?.textContent ?? "");
    new MutationObserver(note).observe(bar, { subtree: true, childList: true });
  });
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a page whose memory lost step is stuck, says so, and repairs itself",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    await budi.page.clock.install();
    await budi.load("/");
    await budi.upToDate();
    const rest = world.proxy.rule({ path: /\/sync\/v1\/push/, fault: "refuse" });
    await budi.createCustomer({ name: "PT Hantu" });
    await budi.says(/^Offline – 1 record/);
    await emptyOutbox(budi.page);
    rest();

    world.step("the server is there again, and answers");
    await budi.page.evaluate(() => dispatchEvent(new Event("online")));
    await budi.says(/^1 record saved on this phone|^1 record saved on this device/);

    world.step("another tab holds the lock, and never lets go");
    const holder = await device.newPage(world.origin + "/test-harness/");
    const name = await budi.page.evaluate(async () => {
      const database = (await indexedDB.databases()).find(({ name }) => name?.startsWith("fieldsync "))?.name ?? "";
      const [, server, user] = database.split(" ");
      return `fieldsync:${server}:${user}`;
    });
    await holder.evaluate((name) => {
      void navigator.locks.request(name, () => new Promise(() => {}));
    }, name);
    await until("it has it", () => holder.evaluate(async (name) => (await navigator.locks.query()).held?.some((lock) => lock.name === name), name));
    await budi.page.bringToFront();

    world.step("a quarter of an hour");
    await watchBar(budi.page);
    await minutes(budi.page, 18);
    await budi.upToDate();
    const said = await budi.page.evaluate(() => /** @type {any} */ (globalThis).said);
    assert.ok(said.some((/** @type {string} */ line) => /^1 record waiting since .* – see why/.test(line)), `the bar said so: ${said}`);
    assert.equal(await budi.found("PT Hantu"), 1);
    assert.equal((await (await world.api("budi")).customersNamed("PT Hantu")).length, 1, "it was sent, once");

    world.step("support can see it");
    await budi.go("Sync");
    await budi.page.getByText("Recent trouble, for support").click();
    await budi.page.getByText("work did not go although the server answers").waitFor();
  },
};
