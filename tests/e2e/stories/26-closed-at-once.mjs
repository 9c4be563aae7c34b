/** Save, and the page is gone before it sent anything: its going asks the browser to wake the worker, which sends it. */
import { assertNoPage } from "../lib/cdp.mjs";
import { Ledger } from "../lib/faults.mjs";
import { assert, sleep, until } from "../lib/until.mjs";
import { Worker, shelfUntil } from "../lib/worker.mjs";


/** Ways in which a page goes. @type {[string, (page: import("playwright-core").Page, elsewhere: string) => Promise<unknown>][]} */
const WAYS = [
  ["closed", (page) => page.close()],
  ["closed by its user", (page) => page.close({ runBeforeUnload: true })],
  ["left for another site", (page, elsewhere) => page.goto(elsewhere)],
];

/** Chromium does not hear every page that is closed at once: about one in eight it misses. */
const TRIES_MAX = 4;
const HEARD_WITHIN_MS = 2_000;
const TAG = "fieldsync-outbox";

/** @typedef {{ world: import("../lib/world.mjs").World, device: import("../lib/browser.mjs").Device, worker: Worker, ledger: Ledger, asked: () => number }} Scene */

/** Counts how often the browser was asked for a sync event. @param {import("../lib/browser.mjs").Device} device */
async function registrations(device) {
  const session = await device.context.newCDPSession(await device.context.newPage());
  let count = 0;
  session.on("BackgroundService.backgroundServiceEventReceived", ({ backgroundServiceEvent: { eventName } }) => {
    if (/regist/i.test(eventName)) count += 1;
  });
  await session.send("BackgroundService.startObserving", { service: "backgroundSync" });
  await session.send("BackgroundService.setRecording", { service: "backgroundSync", shouldRecord: true });
  return () => count;
}

/** One page, two saves, and it goes; whether the browser was asked to send them. @param {Scene} scene @param {string} name @param {(page: import("playwright-core").Page) => Promise<unknown>} go */
async function goes({ world, device, worker, ledger, asked }, name, go) {
  const budi = await world.harness(device, "budi", { worker: true, again: true });
  await budi.synced();
  await sleep(300); // It has met its worker by now.
  const before = asked();
  await ledger.save(budi, name);
  await go(budi.page);
  await until("no page is left", () => assertNoPage(device, world.origin).then(() => true));
  const counted = await until("the browser was asked", () => asked() > before, HEARD_WITHIN_MS).then(() => true, () => false);
  const { tags } = await shelfUntil(device, world.origin, "it can be read", () => true);
  // It comes at once, or when the browser likes: here nobody waits for that.
  await worker.wake();
  await shelfUntil(device, world.origin, "the worker sent it", ({ outbox, parcels }) => outbox.length + parcels.length === 0);
  assert.deepEqual(await ledger.wrong(), []);
  if (!budi.page.isClosed()) await budi.page.close();
  return counted || tags.includes(TAG);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a page that goes right after a save asks the browser to send it",
  async run(world) {
    const device = await world.device();
    const ledger = new Ledger(await world.api("budi"));
    await ledger.begin();
    const worker = await Worker.alone(world, device, "budi");
    const asked = await registrations(device);
    // The same server by another name is another site.
    const elsewhere = `${world.origin.replace("127.0.0.1", "localhost")}/test/harness/`;
    for (const [way, go] of WAYS) {
      let heard = false;
      for (let number = 0; number < TRIES_MAX && !heard; number += 1) {
        world.step(`${way}, ${number}`);
        heard = await goes({ world, device, worker, ledger, asked }, `PT ${way} ${number}`, (page) => go(page, elsewhere));
      }
      assert.ok(heard, `a page that is ${way} asks the browser for a sync event`);
    }
  },
};
