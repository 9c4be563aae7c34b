/** Story 4: the browser is killed twenty times, right after saves resolved. What it said it saved is there. */
import { Harness, HARNESS_PATH } from "../lib/harness.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const KILLS = 20;
const MOMENT_MS_MAX = 400;

/** Saves as fast as it can, and tells us of each save that resolved. @param {any} sync @param {{ round: number, id?: string }} given */
async function saveForEver(sync, { round, id }) {
  const told = /** @type {any} */ (globalThis).saved;
  for (let number = 0; ; number += 1) {
    const name = `Kill ${round}-${number}`;
    const made = await sync.customers.create({ name });
    await told({ id: made.id, name });
    await sync.customers.update(made, { notes: `edited ${number}` });
    await told({ id: made.id, name, notes: `edited ${number}` });
    if (number === 0 && id) {
      await sync.customers.update(await sync.customers.get(id), { address: `round ${round}` });
      await told({ id, address: `round ${round}` });
    }
  }
}

/** @type {import("../run.mjs").Story} */
export default {
  title: `the browser is killed ${KILLS} times right after a save, and nothing saved is lost`,
  limitMs: 300_000,
  async run(world) {
    const device = await world.device();
    /** What the app said it saved: by id, the newest of each field. @type {Map<string, Record<string, any>>} */
    const said = new Map();
    let first = "";
    for (let round = 0; round < KILLS; round += 1) {
      if (!device.open) await device.start();
      const page = await device.page();
      let count = 0;
      await page.exposeBinding("saved", (_, { id, ...fields }) => {
        said.set(id, { ...said.get(id), ...fields });
        first ||= id;
        count += 1;
      });
      await page.goto(world.origin + HARNESS_PATH);
      const harness = new Harness(page, world.origin);
      await harness.open("budi");
      // Every other time the server is away, so that what was saved is only here.
      if (round % 2) await world.proxy.unplug();
      harness.run(saveForEver, { round, id: first }).catch(() => {});
      await until("a save resolved", () => count > 0);
      await sleep(Math.random() * MOMENT_MS_MAX);
      await device.kill();
      if (round % 2) await world.proxy.replug();
      world.step(`kill ${round + 1}: ${count} saves had resolved`);
    }

    await device.start();
    const last = await world.harness(device, "budi");
    await last.must((sync) => sync.sync().then(() => {}));
    await last.synced(60_000);
    const api = await world.api("budi");
    const records = (await api.records("customers")).filter((entry) => said.has(entry.id));
    assert.equal(records.length, said.size, "every record that was saved is on the server, once");
    for (const { id, fields } of records) {
      const wanted = said.get(id) ?? {};
      assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((name) => [name, fields[name]])), wanted);
    }
    const all = (await api.records("customers")).filter((entry) => String(entry.fields.name).startsWith("Kill "));
    assert.equal(new Set(all.map((entry) => entry.fields.name)).size, all.length, "none twice");
    assert.deepEqual(await last.must((sync) => sync.conflicts.list()), []);
  },
};
