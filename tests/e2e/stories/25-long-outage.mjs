/** Twenty minutes without a server by the device's clock, a thousand changes, then `online`: all are confirmed within 30 s, once. */
import { SHIFTED_CLOCK } from "../lib/clock.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const CHANGES = 1_000;
/** No divisor of the pattern below: each has its visits. */
const COUNTERS = 41;
const MINUTES = 20;
/** The clock goes on in steps, so that each try fails before the next is due. */
const STEP_MS = 15_000;
const STEPS = (MINUTES * 60_000) / STEP_MS;
const CONFIRMED_WITHIN_MS = 30_000;

/** A part of the day's work: new customers, and visits to the same few. @param {any} sync @param {{ from: number, to: number, counters: string[] }} given */
async function work(sync, { from, to, counters }) {
  for (let number = from; number < to; number += 1) {
    const counter = counters[number % counters.length];
    const row = number % 5 < 3 ? undefined : await sync.customers.get(counter);
    if (row) await sync.customers.update(row, { visits: row.fields.visits + 1 });
    else await sync.customers.create({ name: `Outage ${number}` });
  }
}

/** @type {import("../run.mjs").Story} */
export default {
  title: `${MINUTES} minutes without a server and ${CHANGES} changes: confirmed within 30 s of coming online`,
  async run(world) {
    const device = await world.device();
    await device.context.addInitScript(SHIFTED_CLOCK);
    const budi = await world.harness(device, "budi");
    await budi.synced();
    const counters = await budi.must(async (sync, count) => {
      const ids = [];
      for (let number = 0; number < count; number += 1) ids.push((await sync.customers.create({ name: `Counter ${number}`, visits: 0 })).id);
      await sync.sync();
      return ids;
    }, COUNTERS);
    await budi.synced();

    world.step("the server is away, and work goes on");
    await world.proxy.unplug();
    const begun = await budi.page.evaluate(() => Date.now());
    for (let step = 0; step < STEPS; step += 1) {
      const [from, to] = [step, step + 1].map((each) => Math.floor((each * CHANGES) / STEPS));
      await budi.must(work, { from, to, counters });
      await budi.page.evaluate((ms) => /** @type {any} */ (globalThis).advance(ms), STEP_MS);
      await sleep(20);
    }
    const now = await budi.page.evaluate(() => Date.now());
    assert.ok(now - begun >= MINUTES * 60_000, "the device's clock went on");
    const away = await until("it waits", async () => {
      const status = await budi.status();
      return status.nextAttemptAt ? status : undefined;
    });
    const made = CHANGES * 0.6;
    assert.deepEqual([away.state, away.pending], ["offline", made + COUNTERS], JSON.stringify(away.errors.at(-1)));
    assert.equal(away.failed, 0, "an outage refuses nothing");
    assert.ok(away.nextAttemptAt - now > 60_000, "the five-minute timer has taken over");

    world.step("the server returns");
    await world.proxy.replug();
    const online = Date.now();
    await budi.page.evaluate(() => void dispatchEvent(new Event("online")));
    await budi.synced(CONFIRMED_WITHIN_MS);
    world.step(`all confirmed after ${Date.now() - online} ms`);

    const records = await (await world.api("budi")).records();
    const found = records.filter((entry) => String(entry.fields.name).startsWith("Outage "));
    assert.deepEqual([found.length, new Set(found.map((entry) => entry.fields.name)).size], [made, made], "each was made once");
    assert.ok(found.every((entry) => entry.version === 1), "and applied once");
    const visits = records.filter((entry) => counters.includes(entry.id)).reduce((sum, entry) => sum + entry.fields.visits, 0);
    assert.equal(visits, CHANGES - made, "each visit was counted once");
    assert.deepEqual(await budi.must((sync) => sync.conflicts.list()), []);
  },
};
