/** Story 3: the server applied a push and its answer was lost; the user went on editing before the resend. */
import { assert, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;

/** @param {import("../lib/world.mjs").World} world @param {() => Promise<void>} save @param {() => Promise<void>} edit */
async function loseTheAnswer(world, save, edit) {
  world.proxy.clear();
  world.proxy.rule({ path: PUSH, fault: "refuse" });
  world.proxy.rule({ path: PUSH, times: 1, fault: "lose-answer" });
  const begun = world.proxy.seen.length;
  await save();
  const lost = await until("the server applied it, and the answer is lost", () =>
    world.proxy.seen.slice(begun).find((seen) => seen.fault === "lose-answer" && seen.answer));
  assert.equal(lost.answer.results[0].outcome, "applied");
  await edit();
  const from = world.proxy.seen.length;
  world.proxy.clear();
  return { lost, from };
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the answer to a push is lost, and the record is edited again",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    const id = await budi.must((sync) => sync.newId());

    world.step("the answer to the create is lost");
    const first = await loseTheAnswer(
      world,
      () => budi.must((sync, id) => sync.customers.create({ name: "PT Hilang", phone: "+62 811 1111" }, { id }).then(() => {}), id),
      () => budi.must(async (sync, id) => void (await sync.customers.update(await sync.customers.get(id), { city: "Bogor" })), id),
    );
    await budi.must((sync) => sync.sync().then(() => {}));
    await budi.synced();
    const again = world.proxy.requests(PUSH).filter((seen) => world.proxy.seen.indexOf(seen) >= first.from);
    const parcel = first.lost.body.parcels[0];
    const resent = again.flatMap((seen) => seen.body.parcels).find((other) => other.op_id === parcel.op_id);
    assert.deepEqual(resent, parcel, "the same parcel was sent again, unaltered");

    world.step("the answer to an update is lost");
    await loseTheAnswer(
      world,
      () => budi.must(async (sync, id) => void (await sync.customers.update(await sync.customers.get(id), { contact: "Ibu Rina" })), id),
      () => budi.must(async (sync, id) => void (await sync.customers.update(await sync.customers.get(id), { contact: "Ibu Wati" })), id),
    );
    await budi.must((sync) => sync.sync().then(() => {}));
    await budi.synced();

    const api = await world.api("budi");
    const found = await api.customersNamed("PT Hilang");
    assert.equal(found.length, 1, "one record");
    const [{ fields, version }] = found;
    assert.deepEqual([fields.city, fields.contact], ["Bogor", "Ibu Wati"], "both edits");
    assert.equal(version, 4, "each change was applied once");
    assert.deepEqual(await budi.must((sync) => sync.conflicts.list()), [], "no conflict");
    assert.equal(await budi.must(async (sync) => (await sync.outbox.list()).length), 0, "nothing is left");
  },
};
