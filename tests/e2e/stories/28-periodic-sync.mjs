/**
 * Periodic Sync: the browser wakes the worker of an app that is used, with no page open. It fetches what others did and sends
 * what waits, so that the app opens on it, without a network too.
 */
import { assertNoPage, permit } from "../lib/cdp.mjs";
import { App } from "../lib/app.mjs";
import { assert, until } from "../lib/until.mjs";
import { Worker, shelfUntil } from "../lib/worker.mjs";

const CHANGES = /\/sync\/v1\/changes/;
const SYNC = /\/sync\/v1\//;

/** What the page asked the browser for. @param {App} app @returns {Promise<string[]>} */
const asked = (app) => app.page.evaluate(async () => /** @type {any} */ (await navigator.serviceWorker.ready).periodicSync.getTags());

/** @type {import("../run.mjs").Story} */
export default {
  title: "Periodic Sync: with no page open the worker fetches and sends, and the app opens on it without a network",
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    await permit(device, world.origin, "periodic-background-sync", "granted");
    const app = await world.signedIn(device, "budi");
    await until("the page asked for it", async () => (await asked(app)).includes("fieldsync-pull"));
    const id = await app.createCustomer({ name: "PT Berkala", contact: "Lama" });
    await app.upToDate();
    const office = await world.api("ahmad");
    const entry = await office.record("customers", id);
    assert.ok(entry);

    world.step("no page is open, and the office changes it");
    const worker = await Worker.of(device, world.origin);
    await app.page.close();
    await assertNoPage(device, world.origin);
    const before = await shelfUntil(device, world.origin, "there is a cursor", ({ pull }) => pull?.cursor);
    await office.update(entry, { contact: "Dari kantor" });

    world.step("woken while nobody answers, it changes nothing");
    const lift = world.proxy.rule({ path: SYNC, fault: "refuse" });
    const from = world.proxy.seen.length;
    await worker.wakePeriodically();
    await until("it asked", () => world.proxy.seen.slice(from).some((seen) => SYNC.test(seen.path)));
    const still = await shelfUntil(device, world.origin, "it has noted that", ({ engine }) => engine?.state === "waiting");
    assert.equal(still.pull.cursor, before.pull.cursor);
    lift();

    world.step("woken when the server is there, it fetches");
    const moved = await until("it has fetched", async () => {
      await worker.wakePeriodically();
      return shelfUntil(device, world.origin, "the cursor went on", ({ pull }) => pull?.cursor !== before.pull.cursor, 3_000);
    });
    assert.ok(moved);
    assert.ok(world.proxy.seen.slice(from).some((seen) => CHANGES.test(seen.path) && JSON.stringify(seen.answer ?? "").includes("Dari kantor")));
    await assertNoPage(device, world.origin);

    world.step("the app opens on it, without a server");
    await world.stopServer();
    const again = new App(await device.page(), world.origin);
    await again.load(`/customers/${id}`);
    await again.shows("Contact person", "Dari kantor");
    await again.says(/^Offline/);
  },
};
