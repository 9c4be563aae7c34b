/**
 * Story 2: the same, but no page is open when the server returns. The browser's own sync event sends the work. Its first retry
 * comes after five minutes, the next after fifteen: this story starts first and waits beside the others.
 */
import { assertNoPage, stopWorkers } from "../lib/cdp.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const RETRY_MS_MAX = 22 * 60_000;
const PUSH = /\/sync\/v1\/push/;

/** @type {import("../run.mjs").Story} */
export default {
  title: "no page is open: the browser's own sync event sends the work",
  waits: true,
  limitMs: RETRY_MS_MAX + 120_000,
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    const before = await (await world.api("budi")).records();
    const { id, version, fields } = before.find((entry) => before.filter((other) => other.fields.name.startsWith(entry.fields.name)).length === 1) ?? before[0];

    await world.stopServer();
    const created = await budi.createCustomer({ name: "PT Latar Belakang", city: "Medan" });
    await budi.editCustomer(fields.name, { contact: "Pak Latar" });
    await budi.says(/^Offline – 2 records/);
    await until("the browser was asked to wake the worker", () =>
      budi.page.evaluate(async () => {
        const registration = /** @type {any} */ (await navigator.serviceWorker.ready);
        return (await registration.sync.getTags()).includes("fieldsync-outbox");
      }));

    world.step("every page is closed");
    await sleep(2_000); // The first try of the worker meets the outage, too.
    await stopWorkers(budi.page);
    await device.closePages();
    await assertNoPage(device, world.origin);
    const from = world.proxy.seen.length;
    await world.returnServer();
    const server = world.server.log.length;

    world.step("nobody does anything");
    await until("a push came", () => world.proxy.seen.slice(from).some((seen) => PUSH.test(seen.path) && seen.status === 200), RETRY_MS_MAX, 1_000);
    await assertNoPage(device, world.origin);
    const records = await until("both arrived", async () => {
      const all = await (await world.api("budi")).records();
      return all.some((entry) => entry.id === created) && all.find((entry) => entry.id === id)?.fields.contact === "Pak Latar" ? all : undefined;
    });
    assert.equal(records.length, before.length + 1);
    assert.equal(records.find((entry) => entry.id === created)?.version, 1, "created once");
    assert.equal(records.find((entry) => entry.id === id)?.version, version + 1, "edited once");
    assert.ok(world.server.log.slice(server).some((line) => line.fields?.message === "push"), "the server's log shows the push");

    world.step("a page is opened");
    const again = await world.resumed(device);
    await again.upToDate();
    assert.equal(await again.found("PT Latar Belakang"), 1);
  },
};
