/** Story 9: one change makes the server fail. It is put by and shown; the rest of the queue is sent. */
import { assert, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;

/** Queues good changes around a bad one while the server is away, then lets it come back. @param {import("../lib/world.mjs").World} world @param {import("../lib/harness.mjs").Harness} budi @param {string} mark @param {string} name */
async function queue(world, budi, mark, name) {
  world.proxy.rule({ path: PUSH, fault: "refuse" });
  await budi.must(async (sync, { mark, name }) => {
    for (let number = 0; number < 8; number += 1) {
      const poison = number === 3;
      await sync.customers.create({ name: poison ? `Poison ${name}` : `Good ${name} ${number}`, notes: poison ? mark : "" });
    }
  }, { mark, name });
  await until("the outage was noticed", () => world.proxy.requests(PUSH).some((seen) => seen.fault === "refuse"));
  world.proxy.clear();
}

/** Presses "sync now" until the good ones have arrived. @param {import("../lib/harness.mjs").Harness} budi */
async function pressUntilOneIsLeft(budi) {
  await until("only the bad change is left", async () => {
    await budi.must((sync) => sync.sync().then(() => {}));
    return (await budi.must(async (sync) => (await sync.outbox.list()).length)) === 1;
  }, 60_000, 200);
}

/** @type {import("../run.mjs").Story} */
export default {
  limitMs: 240_000,
  title: "a change that makes the server fail is put by and shown, and the rest is sent",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();

    for (const [name, mark] of [["panic", "__poison_panic__"], ["request", "__poison_500__"]]) {
      world.step(mark);
      await queue(world, budi, mark, name);
      await pressUntilOneIsLeft(budi);
      const [left] = await budi.must((sync) => sync.outbox.list());
      assert.equal(left.title, `Poison ${name}`, "the bad one is the one that is left, and it is shown");
      const api = await world.api("budi");
      const names = (await api.records()).map((entry) => String(entry.fields.name));
      const good = names.filter((each) => each.startsWith(`Good ${name}`));
      assert.equal(good.length, 7, "the rest is sent, once");
      assert.ok(!names.includes(`Poison ${name}`));

      world.step("it can be discarded: the server is asked first, for nobody knows what became of it");
      await budi.must((sync, row) => sync.outbox.discard(row).then(() => {}), left.changes[0].row);
      await until("nothing is left", async () => {
        await budi.must((sync) => sync.sync().then(() => {}));
        return (await budi.must(async (sync) => (await sync.outbox.list()).length)) === 0;
      }, 60_000, 200);
      assert.equal((await api.customersNamed(`Poison ${name}`)).length, 0);
    }

    world.step("a record that no app can read is counted and said, and the rest is shown");
    await budi.must(async (sync) => {
      await sync.customers.create({ name: "Unread __poison_entry__" });
      await sync.customers.create({ name: "Readable" });
      await sync.sync();
    });
    const app = await world.signedIn(await world.device("desk", { width: 360 }), "budi");
    assert.equal(await app.found("Readable"), 1);
    assert.equal(await app.found("Unread"), 0);
    await app.go("Sync");
    await app.page.getByText("One record came that this app cannot read.").waitFor();
  },
};
