/** Story 6: two tabs of one user write and sync at once. */
import { assert, settles, until } from "../lib/until.mjs";

const CHANGES = 25;

/** @typedef {import("../lib/harness.mjs").Harness} Harness */

/** Creates and edits, with a sync every few saves. @param {any} sync @param {{ tab: string, changes: number }} given */
async function work(sync, { tab, changes }) {
  for (let number = 0; number < changes; number += 1) {
    const made = await sync.customers.create({ name: `Tab ${tab} ${number}`, visits: 0 });
    await sync.customers.update(made, { contact: `Pak ${tab}${number}` });
    if (number % 5 === 0) void sync.sync();
  }
}

/** @param {Harness} tab @returns {Promise<string[]>} */
function view(tab) {
  return tab.must(async (sync) => {
    const rows = await sync.customers.list({ where: { name: { prefix: "Tab " } }, sort: ["name"] });
    return rows.map((/** @type {any} */ row) => `${row.fields.name} ${row.fields.contact}`);
  });
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "two tabs write and sync at once",
  async run(world) {
    const device = await world.device();
    const one = await world.harness(device, "budi");
    const two = await world.harness(device, "budi");
    await one.synced();
    await two.synced();

    world.step("both write and sync");
    await Promise.all([one.must(work, { tab: "A", changes: CHANGES }), two.must(work, { tab: "B", changes: CHANGES })]);
    await settles("both tabs show the same view", async () => {
      const views = await Promise.all([view(one), view(two)]);
      assert.deepEqual(views[0], views[1]);
      assert.equal(views[0].length, 2 * CHANGES);
    }, 1_000);

    world.step("one writes, the other shows it");
    await two.must((sync) => void sync.customers.watch({ where: { name: "Tab C" } }, (/** @type {any[]} */ rows) => (globalThis.seen = rows.length)));
    await one.must((sync) => sync.customers.create({ name: "Tab C" }).then(() => {}));
    await until("the other tab was called back", () => two.page.evaluate(() => /** @type {any} */ (globalThis).seen === 1), 1_000);

    await Promise.all([one, two].map((tab) => tab.must((sync) => sync.sync().then(() => {}))));
    await Promise.all([one.synced(), two.synced()]);
    const api = await world.api("budi");
    const records = (await api.records()).filter((entry) => String(entry.fields.name).startsWith("Tab "));
    assert.equal(records.length, 2 * CHANGES + 1, "each was made once");
    assert.ok(records.every((entry) => entry.version <= 2), "no change was applied twice");
    assert.ok(records.every((entry) => entry.fields.name === "Tab C" || entry.fields.contact), "every edit arrived");
    assert.deepEqual(await one.must((sync) => sync.conflicts.list()), []);
  },
};
