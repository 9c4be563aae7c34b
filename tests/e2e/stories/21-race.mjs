/** Two tabs and a worker at once, in a network that loses every fourth answer: each change is applied once, and both tabs agree. */
import { Ledger } from "../lib/faults.mjs";
import { assert, settles, sleep } from "../lib/until.mjs";
import { Worker } from "../lib/worker.mjs";

const PUSH = /\/sync\/v1\/push/;
const CHANGES = 30;
const WAKE_EVERY_MS = 120;

/** @typedef {import("../lib/harness.mjs").Harness} Harness */

/** Creates, edits and counts, with a sync now and then. @param {any} sync @param {{ tab: string, changes: number, counter: string }} given */
async function work(sync, { tab, changes, counter }) {
  for (let number = 0; number < changes; number += 1) {
    const made = await sync.customers.create({ name: `Race ${tab} ${number}` });
    await sync.customers.update(made, { contact: `Ibu ${tab}${number}` });
    const row = await sync.customers.get(counter);
    await sync.customers.update(row, { visits: row.fields.visits + 1 });
    if (number % 5 === 0) void sync.sync();
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** @param {Harness} tab @param {string} counter @returns {Promise<string[]>} */
function view(tab, counter) {
  return tab.must(async (sync, counter) => {
    const rows = await sync.customers.list({ where: { name: { prefix: "Race " } }, sort: ["name"] });
    const { fields } = await sync.customers.get(counter);
    return [String(fields.visits), ...rows.map((/** @type {any} */ row) => `${row.fields.name} ${row.fields.contact} ${row.version}`)];
  }, counter);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "two tabs and a worker race, and each change is applied once",
  async run(world) {
    const device = await world.device();
    const api = await world.api("budi");
    const ledger = new Ledger(api);
    await ledger.begin();
    const { counter } = ledger;
    const tabs = [await world.harness(device, "budi", { worker: true }), await world.harness(device, "budi", { worker: true, again: true })];
    for (const tab of tabs) await tab.synced();
    const worker = await Worker.of(device, world.origin);

    world.step("both tabs save, the worker is woken again and again");
    let pushes = 0;
    world.proxy.rule({ path: PUSH, when: () => (pushes += 1) % 4 === 0, fault: "lose-answer" });
    let working = true;
    const waking = (async () => {
      for (; working; await sleep(WAKE_EVERY_MS)) await worker.wake();
    })();
    await Promise.all(tabs.map((tab, number) => tab.must(work, { tab: "AB"[number], changes: CHANGES, counter })));
    working = false;
    await waking;
    assert.ok(pushes >= 8, `a race, not a queue: ${pushes} pushes`);

    world.step("the network is good again");
    world.proxy.clear();
    await Promise.all([worker.wake(), ...tabs.map((tab) => tab.must((sync) => sync.sync().then(() => {})))]);
    for (const tab of tabs) await tab.synced();
    await settles("both tabs show the same", async () => {
      const views = await Promise.all(tabs.map((tab) => view(tab, counter)));
      assert.deepEqual(views[0], views[1]);
      assert.equal(views[0].length, 1 + 2 * CHANGES);
      assert.equal(views[0][0], String(2 * CHANGES));
    }, 5_000);

    const records = await api.records();
    const made = records.filter((entry) => String(entry.fields.name).startsWith("Race "));
    assert.equal(made.length, 2 * CHANGES, "each was made once");
    assert.ok(made.every((entry) => entry.version <= 2 && entry.fields.contact), "and edited once");
    assert.equal(records.find((entry) => entry.id === counter)?.fields.visits, 2 * CHANGES, "each visit was counted once");
    assert.deepEqual(await tabs[0].must((sync) => sync.conflicts.list()), []);
  },
};
