/**
 * Browsers that send nothing while the app is closed: one without Background Sync, and one that has it and is not allowed to
 * use it. The bar says so for as long as something is unsent, and each of the page's own triggers sends it by itself.
 */
import { hide, permit } from "../lib/cdp.mjs";
import { SHIFTED_CLOCK } from "../lib/clock.mjs";
import { nothingFound } from "../lib/axe.mjs";
import { assert, settles, sleep, until } from "../lib/until.mjs";

const SERVER = /\/sync\/v1\//;
const PUSH = /\/sync\/v1\/push/;
const MINUTE_MS = 60_000;
const TIMER_MS = 5 * MINUTE_MS;
/** What nobody asked for would have come by then. */
const QUIET_MS = 1_500;

/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {import("../lib/world.mjs").World} World */

/** Before the scripts of a page: as Safari and Firefox are. */
const WITHOUT = `delete globalThis.SyncManager; delete ServiceWorkerRegistration.prototype.sync;`;

/** @param {App} app @param {number} ms */
const advance = (app, ms) => app.page.evaluate((ms) => /** @type {any} */ (globalThis).advance(ms), ms);

/** How long until the next try, as the bar was told. @param {App} app */
const wait = (app) =>
  app.page.evaluate(() => {
    const { nextAttemptAt } = /** @type {any} */ (document.querySelector("sync-status-bar")).status;
    return nextAttemptAt ? nextAttemptAt - Date.now() : 0;
  });

/** Something is saved without a server, and it has been tried so often that no try of its own is near. @param {World} world @param {App} app @param {string} name */
async function kept(world, app, name) {
  world.proxy.rule({ path: SERVER, fault: "refuse" });
  await app.createCustomer({ name });
  await app.says(/^Offline – 1 record saved on this phone · keep the app open to send$/);
  await until("the next try is minutes away", async () => {
    const ms = await wait(app);
    if (ms > MINUTE_MS) return true;
    await advance(app, Math.max(ms, 0));
    await sleep(50);
    return false;
  });
}

/** One trigger, when nothing else would send. @param {World} world @param {App} app @param {string} what @param {() => Promise<unknown>} trigger */
async function sends(world, app, what, trigger) {
  world.step(what);
  const name = `PT Tanpa Latar ${what}`;
  await kept(world, app, name);
  const from = world.proxy.seen.length;
  world.proxy.clear();
  await sleep(QUIET_MS);
  assert.deepEqual(world.proxy.seen.slice(from).filter(({ path }) => SERVER.test(path)), [], "the server is back, and nobody has noticed");
  await trigger();
  await until(`${what}: it is sent`, () => world.proxy.seen.slice(from).some(({ path, status }) => PUSH.test(path) && status === 200), 15_000);
  await app.upToDate();
  assert.doesNotMatch(await app.bar(), /keep the app open/, "nothing is left to keep it open for");
  assert.equal((await (await world.api("budi")).customersNamed(name)).length, 1);
}

/** Every trigger of a page. @param {World} world @param {App} app */
async function triggers(world, app) {
  const { page } = app;
  const blank = await page.context().newPage();
  await sends(world, app, "visible", async () => {
    const from = world.proxy.seen.length;
    await hide(page, blank);
    await sleep(QUIET_MS);
    assert.deepEqual(world.proxy.seen.slice(from), [], "hiding it sends nothing");
    await page.bringToFront();
  });
  await blank.close();
  // Playwright turns the cache for pages off: nobody comes back from it. What the page is told then is told here.
  await sends(world, app, "pageshow", () => page.evaluate(() => void dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))));
  await sends(world, app, "online", async () => {
    const context = page.context();
    await context.setOffline(true);
    await until("the browser says so", () => page.evaluate(() => !navigator.onLine));
    await context.setOffline(false);
  });
  await sends(world, app, "timer", async () => advance(app, await wait(app)));

  world.step("the timer, with nothing to send, brings what others did");
  const api = await world.api("ahmad");
  const [entry] = await api.customersNamed("PT Tanpa Latar timer");
  await app.showCustomer(entry.id);
  await app.upToDate();
  await api.update(entry, { contact: "Dari kantor" });
  await advance(app, TIMER_MS);
  await app.shows("Contact person", "Dari kantor");
}

/** @param {App} app */
const note = (app) => app.page.locator("sync-centre .note").getByText("This browser cannot send while the app is closed: keep it open until everything is sent.");

/** Before there is anything to send nobody is bothered; then the bar and the sync centre say it, also after a reload. @param {World} world @param {App} app */
async function words(world, app) {
  assert.doesNotMatch(await app.bar(), /keep the app open/);
  await world.stopServer();
  await app.createCustomer({ name: "PT Jangan Ditutup" });
  const line = /^Offline – 1 record saved on this phone · keep the app open to send$/;
  await app.says(line);
  await app.load("/sync");
  await app.says(line);
  await note(app).waitFor();
  await nothingFound(app.page, "the sync centre without Background Sync");
  await app.page.screenshot({ path: `${world.folder}/words-en.png` });
  await app.speak("id");
  await app.load("/sync");
  await app.says(/^Offline – 1 data tersimpan di ponsel ini · biarkan aplikasi terbuka untuk mengirim$/);
  await app.page.getByText("Peramban ini tidak dapat mengirim saat aplikasi tertutup: biarkan terbuka sampai semua terkirim.").waitFor();
  await app.page.screenshot({ path: `${world.folder}/words-id.png` });
  await app.speak("en");
  await app.load("/");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "without Background Sync the bar says “keep the app open to send”, and each trigger of the page sends",
  limitMs: 240_000,
  async run(world) {
    const screen = { width: 360, height: 740 };
    const device = await world.device("without", screen);
    await device.context.addInitScript(SHIFTED_CLOCK + WITHOUT);
    const app = await world.signedIn(device, "budi");
    assert.equal(await app.page.evaluate(() => "SyncManager" in globalThis), false);
    world.step("one that does not know it: the sync centre says so before there is anything to send");
    await app.go("Sync");
    await note(app).waitFor();
    await words(world, app);
    await world.returnServer();
    await app.pressBar();
    await app.upToDate(60_000);
    await triggers(world, app);
    await device.close();

    world.step("one that knows it, and may not");
    const denied = await world.device("denied", screen);
    await permit(denied, world.origin, "background-sync", "denied");
    const other = await world.signedIn(denied, "sari");
    assert.equal(await other.page.evaluate(() => "SyncManager" in globalThis), true);
    await words(world, other);
    world.step("allowed again, the words go, and the browser is asked");
    await permit(denied, world.origin, "background-sync", "granted");
    await other.createCustomer({ name: "PT Boleh Lagi" });
    await settles("the bar says what is saved, and no more", async () => assert.equal(await other.bar(), "Offline – 2 records saved on this phone"));
    const tags = await other.page.evaluate(async () => /** @type {any} */ (await navigator.serviceWorker.ready).sync.getTags());
    assert.deepEqual(tags, ["fieldsync-outbox"]);
    await world.returnServer();
    await other.pressBar();
    await other.upToDate(60_000);
  },
};
