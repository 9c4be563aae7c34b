/** The browser clears its storage with unsent work in it: the app says how much is missing at least, until the user knows. */
import { App } from "../lib/app.mjs";
import { clearStorage } from "../lib/cdp.mjs";
import { HARNESS_PATH } from "../lib/harness.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

/** The server panics over it, so that the change stays open. */
const POISON = "__poison_panic__";
const PUSH = /\/sync\/v1\/push/;

/** Saves one good customer and one that the server cannot take; both are in a push that was answered. @param {import("../lib/world.mjs").World} world @param {import("../lib/harness.mjs").Harness} budi @param {string} name */
async function leaveOneOpen(world, budi, name) {
  await budi.must(async (sync, { name, mark }) => {
    await sync.customers.create({ name: `${name} sent` });
    await sync.customers.create({ name: `${name} open`, notes: mark });
  }, { name, mark: POISON });
  await until("the good one arrived", async () => {
    await budi.must((sync) => sync.sync().then(() => {}));
    return (await (await world.api("budi")).customersNamed(`${name} sent`)).length === 1;
  }, 30_000, 300);
  assert.equal((await budi.status()).pending, 1);
}

/** Holds each user's database open, until half a second after it should go. Runs in a page. */
async function letsGoLate() {
  for (const { name } of await indexedDB.databases()) {
    if (!name?.startsWith("fieldsync http")) continue;
    await new Promise((opened) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => {
        request.result.onversionchange = () => setTimeout(() => request.result.close(), 500);
        opened(undefined);
      };
    });
  }
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the browser clears its storage: the app says what is missing, until the user knows",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    await leaveOneOpen(world, budi, "Cleared");

    world.step("the storage goes, the cookies stay");
    await budi.page.goto("about:blank");
    await clearStorage(budi.page, world.origin);

    world.step("the app is opened and signed in to");
    const app = new App(await device.page(), world.origin);
    await app.load("/sign-in");
    await app.fillSignIn("budi");
    await app.says(/^This phone's storage was cleared – at least 1 record is missing/, 60_000);
    assert.equal(await app.state(), "lost");
    assert.equal(await app.found("Cleared sent"), 1, "what was sent is here again");

    world.step("it is still said after a restart, and offline it follows");
    await app.workerIsThere();
    await world.proxy.unplug();
    await app.load("/customers");
    await app.says(/^Offline.*at least 1 missing/);
    await world.proxy.replug();
    await app.page.evaluate(() => dispatchEvent(new Event("online")));
    await app.says(/^This phone's storage was cleared/);

    world.step("the user says that they know");
    await app.pressBar();
    await app.page.locator("sync-centre").getByRole("button", { name: "I understand" }).click();
    await app.upToDate();
    await app.load("/");
    await app.upToDate();
    // Nor does the next store here hear of it again, once the server knows.
    await app.pressBar();
    await app.upToDate();

    world.step("a database that the app deletes says goodbye, and nothing of it is missed");
    const again = await world.harness(device, "budi");
    await leaveOneOpen(world, again, "Deleted");
    // The app's page is in the middle of a transaction: it lets go of the database a while after it was asked.
    await app.page.goto(world.origin + HARNESS_PATH);
    await app.page.evaluate(letsGoLate);
    await again.must((sync) => sync.forget());
    const databases = await again.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    assert.ok(!databases.some((name) => name?.startsWith("fieldsync http")), `deleted: ${databases}`);
    await again.page.reload();
    await again.open("budi");
    await again.synced();
    assert.equal((await again.status()).lost, undefined);

    world.step("with nothing unsent, a cycle costs no push");
    const pushes = world.proxy.requests(PUSH).length;
    for (let round = 0; round < 3; round += 1) await again.must((sync) => sync.sync().then(() => {}));
    await sleep(500);
    assert.equal(world.proxy.requests(PUSH).length, pushes);
  },
};
