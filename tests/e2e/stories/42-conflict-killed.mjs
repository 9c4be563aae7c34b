/** Story 42: the browser is killed in the middle of deciding. A conflict is decided whole or still asks; nothing is lost or sent twice. */
import { Clash } from "../lib/clash.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const KILLS = 8;
const RECORDS = 12;
const MOMENT_MS_MAX = 120;

/** Decides one after the other, and says of each that it is decided. @param {any} sync @param {{ hold: number }} given */
async function decideAll(sync, { hold }) {
  const told = /** @type {any} */ (globalThis).told;
  for (const conflict of await sync.conflicts.list()) {
    await told({ id: conflict.id, begun: true });
    await sync.conflicts.resolve(conflict, { contact: "mine" }, { holdMs: hold });
    await told({ id: conflict.id, begun: false });
  }
}

/** @type {import("../run.mjs").Story} */
export default {
  title: `the browser is killed ${KILLS} times while conflicts are decided: each is decided whole, or still asks`,
  limitMs: 400_000,
  async run(world) {
    const device = await world.device();
    let clash = await Clash.on(world, device);
    const names = Array.from({ length: RECORDS }, (_, n) => ({ name: `Kill Conflict ${n}`, contact: "A" }));
    const ids = await clash.shared(names);
    /** What the library said it decided. @type {Set<string>} */
    const decided = new Set();
    for (let round = 0; round < KILLS; round += 1) {
      if (round > 0) {
        await device.start();
        clash = await Clash.on(world, device, { again: true });
      }
      const left = (await clash.phone.must((sync) => sync.conflicts.list())).map((/** @type {any} */ each) => each.id);
      for (const id of decided) assert.ok(!left.includes(id), "what was decided does not ask again");
      if (!left.length) {
        decided.clear();
        await clash.settled();
        clash.away();
        await clash.editAll(ids.map((/** @type {string} */ id) => ({ id, patch: { contact: `Budi ${round}` } })));
        await clash.serverEdits(ids.map((/** @type {string} */ id) => ({ id, patch: { contact: `Ahmad ${round}` } })));
        await clash.back();
        await clash.waits(RECORDS);
      }
      let begun = 0;
      await clash.phone.page.exposeBinding("told", (_, { id, begun: begins }) => {
        begun += 1;
        if (!begins) decided.add(id);
      });
      // Every other time without a connection, and held for Undo or not.
      if (round % 2) clash.away();
      clash.phone.run(decideAll, { hold: round % 3 ? 6000 : 0 }).catch(() => {});
      await until("it has begun", () => begun > 0, 10_000, 1);
      await sleep(Math.random() * MOMENT_MS_MAX);
      await device.kill();
      world.proxy.clear();
      world.step(`kill ${round + 1}: ${decided.size} of ${RECORDS} were decided`);
    }

    await device.start();
    clash = await Clash.on(world, device, { again: true });
    const last = clash.phone;
    await last.must((sync) => sync.sync().then(() => {}));
    const left = await last.must((sync) => sync.conflicts.list());
    for (const { id } of left) assert.ok(!decided.has(id), "what was decided does not ask again");
    const { undo, ...outcome } = await last.must(async (sync) => ({ ...(await sync.conflicts.resolveAll(await sync.conflicts.list(), "mine")) }));
    assert.deepEqual(outcome, { decided: left.length, moved: [], unfit: [] });
    await clash.settled();
    const records = await (await world.api("budi")).records("customers");
    for (const id of ids) {
      const record = records.find((entry) => entry.id === id);
      assert.match(String(record?.fields.contact), /^Budi \d$/, "mine is at the server, and nothing was lost on the way");
    }
    assert.equal(records.filter(({ fields }) => String(fields.name).startsWith("Kill Conflict")).length, RECORDS, "none twice");
  },
};
