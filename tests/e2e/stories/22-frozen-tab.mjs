/**
 * A tab is frozen with the lock in its hands. Another takes it away after 130 s, and goes on; the first thaws with an old answer,
 * which does no harm.
 */
import { freeze, thaw } from "../lib/cdp.mjs";
import { timers } from "../lib/clock.mjs";
import { HARNESS_PATH, Harness } from "../lib/harness.mjs";
import { Ledger } from "../lib/faults.mjs";
import { assert, settles, sleep, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;
const CHANGES = /\/sync\/v1\/changes/;
/** How long a waiter waits for the lock, and what it takes here. */
const STEAL = { 130_000: 1_500 };

/** @typedef {import("../lib/world.mjs").World} World */

/** Who holds the engine's lock, and who waits. @param {Harness} tab */
function locks(tab) {
  return tab.page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    const ours = (/** @type {any[]} */ list) => list.filter(({ name }) => name.startsWith("fieldsync:")).length;
    return { held: ours(held), pending: ours(pending) };
  });
}

/** `frozen` hangs at a request; `other` takes the lock and does all; `frozen` thaws. @param {World} world @param {{ frozen: Harness, other: Harness, path: RegExp, start(): Promise<void>, meanwhile(): Promise<void> }} round */
async function freezeAndSteal(world, { frozen, other, path, start, meanwhile }) {
  const { isHeld, release } = world.proxy.holdNext({ path });
  await start();
  await until("the server has answered", isHeld);
  await freeze(frozen.page, other.page);
  release();
  await sleep(300); // The old answer is there, and nobody reads it.
  assert.equal((await locks(other)).held, 1, "the frozen tab keeps the lock");

  world.step("another tab takes the lock");
  await meanwhile();
  const from = world.proxy.seen.length;
  const begun = Date.now();
  await other.must((sync) => void sync.sync());
  await until("the other tab waits for the lock", async () => (await locks(other)).pending === 1, 5_000);
  await until("the other tab asks the server itself", () => world.proxy.seen.length > from);
  assert.ok(Date.now() - begun >= 1_000, "it waited its time");
  await other.synced();
  world.step("the frozen tab thaws");
  await thaw(frozen.page);
}

/** @typedef {{ world: World, ledger: Ledger, one: Harness, two: Harness }} Scene */

/** Both tabs and the server agree. @param {Scene} scene @param {string} contact */
function agreed({ ledger, one, two }, contact) {
  return settles("both tabs show what the server has", async () => {
    assert.deepEqual(await ledger.wrong(), []);
    for (const tab of [one, two]) {
      const { fields, status } = await tab.must((sync, id) => sync.customers.get(id), ledger.counter);
      assert.deepEqual([fields.visits, fields.contact, status], [ledger.visits, contact, "synced"]);
    }
  });
}

/** @param {Scene} scene */
async function whilePushing(scene) {
  const { world, ledger, one, two } = scene;
  let contact = "";
  await freezeAndSteal(world, {
    frozen: one,
    other: two,
    path: PUSH,
    start: () => ledger.count(one),
    // An edit beside the open parcel, and another device's.
    meanwhile: async () => {
      await ledger.count(two);
      contact = await ledger.elsewhere();
    },
  });
  await agreed(scene, contact);
}

/** @param {Scene} scene */
async function whilePulling(scene) {
  const { world, ledger, one, two } = scene;
  let contact = await ledger.elsewhere();
  await freezeAndSteal(world, {
    frozen: one,
    other: two,
    path: CHANGES,
    start: () => one.must((sync) => void sync.sync()),
    // Newer than the page of the feed that waits for the thaw.
    meanwhile: async () => void (contact = await ledger.elsewhere()),
  });
  await agreed(scene, contact);
}

/** @param {Scene} scene */
async function whileWaiting(scene) {
  const { world, ledger, one, two } = scene;
  const { isHeld, release } = world.proxy.holdNext({ path: PUSH });
  const contact = await ledger.elsewhere();
  await ledger.count(two);
  await until("the server has answered", isHeld);
  await one.must((sync) => void sync.sync());
  await until("the first tab waits for the lock", async () => (await locks(two)).pending === 1);
  await freeze(one.page, two.page);
  release();
  await until("the lock is the frozen tab's", async () => (await locks(two)).pending === 0);
  await sleep(300);
  const saved = ledger.count(two).then(() => true);
  assert.ok(await Promise.race([saved, sleep(3_000)]), "a save does not wait for a tab that sleeps");
  await two.must((sync) => void sync.sync());
  await until("the other tab takes the lock and sends", async () => (await two.status()).pending === 0);
  await thaw(one.page);
  await agreed(scene, contact);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a frozen tab keeps the lock: another takes it, and the thawed one does no harm",
  async run(world) {
    const device = await world.device();
    const ledger = new Ledger(await world.api("budi"));
    await ledger.begin();
    const one = await world.harness(device, "budi");
    const page = await device.context.newPage();
    await page.addInitScript(timers(STEAL));
    await page.goto(world.origin + HARNESS_PATH);
    const two = new Harness(page, world.origin);
    await two.open("budi", { again: true });
    await Promise.all([one.synced(), two.synced()]);
    const scene = { world, ledger, one, two };

    world.step("frozen while its push is answered");
    await whilePushing(scene);
    world.step("frozen while its pull is answered");
    await whilePulling(scene);
    world.step("frozen while it waits for the lock, which comes then");
    await whileWaiting(scene);

    world.step("both go on");
    for (const tab of [one, two]) {
      await ledger.count(tab);
      await tab.must((sync) => sync.sync().then(() => {}));
      await tab.synced();
    }
    const contact = await ledger.elsewhere();
    for (const tab of [one, two]) await tab.must((sync) => sync.sync().then(() => {}));
    await agreed(scene, contact);
    assert.deepEqual(await one.must((sync) => sync.conflicts.list()), []);
  },
};
