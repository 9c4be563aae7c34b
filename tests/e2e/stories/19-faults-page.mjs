/**
 * Every fault, while a page syncs: what the bar says meanwhile, what ends the wait, and that each change arrives once. The
 * worker's half of the matrix is story 20.
 */
import { timers } from "../lib/clock.mjs";
import { Ledger, faults } from "../lib/faults.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;
const PULL = /\/sync\/v1\/(changes|snapshot)/;
const TOKEN = /\/auth\/v1\/token/;
/** The longest wait for an answer, and what it takes here. */
const ANSWER = { 30_000: 1_000 };
/** So long nothing must come of an `online` that is to be ignored. */
const QUIET_MS = 250;

/**
 * @typedef {import("../lib/faults.mjs").Fault} Fault
 * @typedef {{ world: import("../lib/world.mjs").World, budi: import("../lib/harness.mjs").Harness, ledger: Ledger }} Cell
 */

/** Presses "sync now" until all is sent. @param {Cell} cell */
async function pressed({ budi }) {
  await budi.must((sync) => sync.sync().then(() => {}));
  await budi.synced(10_000);
}

/** Until the status says it. @param {Cell} cell @param {string} state */
function says({ budi }, state) {
  return until(`the status says ${state}`, async () => (await budi.status()).state === state, 6_000).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await budi.status())}`);
  });
}

/** The fault stands; `online` ends the wait or does not. @param {Cell} cell @param {Fault} fault @param {RegExp} path */
async function online({ world, budi }, fault, path) {
  const tries = () => world.proxy.requests(path).length;
  const before = tries();
  await budi.page.evaluate(() => void dispatchEvent(new Event("online")));
  if (fault.is?.online) return void (await until("online led to another try", () => tries() > before, 5_000));
  await sleep(QUIET_MS);
  assert.equal(tries(), before, "online leads to no other try");
}

/** A put-by change is shown, the rest has gone; the user tries again. @param {Cell} cell @param {() => void} lift */
async function putBy(cell, lift) {
  const { budi } = cell;
  const list = () => budi.must((sync) => sync.outbox.list());
  const [left] = await until("only the large one is left", async () => {
    const entries = await list();
    return entries.length === 1 && entries[0].attempts === 1 ? entries : undefined;
  });
  assert.ok(left.nextAttemptAt - Date.now() > 50 * 60_000, "it is tried again in an hour");
  // The cycle that put it by may still be on its way to its end.
  await says(cell, "waiting");
  lift();
  await budi.must((sync, row) => sync.outbox.retry(row), left.changes[0].row);
  await budi.synced(10_000);
}

/** The fault hits a push. @param {Cell} cell @param {Fault} fault */
async function pushing(cell, fault) {
  const { world, budi, ledger } = cell;
  const from = world.proxy.seen.length;
  const since = () => world.proxy.seen.slice(from);
  const hit = () => since().some((seen) => PUSH.test(seen.path) && seen.ruled);
  const lift = world.proxy.rule({ path: PUSH, ...fault.rule });
  const name = `Page ${fault.name}`;
  await ledger.save(budi, name, fault.notes);
  await until("the fault hit a push", hit, 5_000);
  if (fault.is) {
    await says(cell, fault.is.state);
    assert.equal((await budi.status()).pending, 2, "both are still unsent, and counted");
    await online(cell, fault, PUSH);
    if (fault.is.kept === "signed-out") assert.equal(since().filter((seen) => TOKEN.test(seen.path)).length, 1, "a token was asked for, once");
    lift();
    await pressed(cell);
  } else if (fault.putBy) {
    await putBy(cell, lift);
  } else {
    await budi.synced(10_000);
    await until("the product helps itself as it should", () => fault.mended?.(since()));
    lift();
  }
  assert.deepEqual(await ledger.wrong(), []);
}

/** The fault hits a pull. @param {Cell} cell @param {Fault} fault */
async function pulling(cell, fault) {
  const { world, budi, ledger } = cell;
  const contact = await ledger.elsewhere();
  const from = world.proxy.seen.length;
  const since = () => world.proxy.seen.slice(from);
  const lift = world.proxy.rule({ path: PULL, ...fault.rule });
  await budi.must((sync) => void sync.sync());
  await until("the fault hit a pull", () => since().some((seen) => PULL.test(seen.path) && seen.ruled), 5_000);
  if (fault.is) {
    await says(cell, fault.is.idle);
    await online(cell, fault, PULL);
  } else {
    await until("the product helps itself as it should", () => fault.mended?.(since()));
  }
  lift();
  await pressed(cell);
  const row = await budi.must((sync, id) => sync.customers.get(id), ledger.counter);
  assert.deepEqual([row.fields.contact, row.fields.visits], [contact, ledger.visits], "what another device wrote is here");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "every fault while a page syncs: its class is said, and each change arrives once",
  limitMs: 300_000,
  async run(world) {
    const device = await world.device();
    await device.context.addInitScript(timers(ANSWER));
    const api = await world.api("budi");
    const ledger = new Ledger(api);
    await ledger.begin();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    const cell = { world, budi, ledger };
    for (const fault of await faults(world, api)) {
      world.step(fault.name);
      await pushing(cell, fault);
      if (fault.pull === false) continue;
      world.step(`${fault.name}, pulling`);
      await pulling(cell, fault);
    }
    assert.deepEqual(await budi.must((sync) => sync.conflicts.list()), [], "no conflict");
    assert.equal((await budi.status()).failed, 0, "nothing was refused");
    assert.deepEqual(await ledger.wrong(), []);
  },
};
