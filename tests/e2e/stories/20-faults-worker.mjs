/**
 * Every fault, while the worker syncs and no page is open: what it notes, whether the browser is to come again, and that each
 * change arrives once. The page's half of the matrix is story 19.
 */
import { assertNoPage } from "../lib/cdp.mjs";
import { serveWorkerWith } from "../lib/clock.mjs";
import { Ledger, faults } from "../lib/faults.mjs";
import { assert, settles, until } from "../lib/until.mjs";
import { Worker, shelfUntil } from "../lib/worker.mjs";

const PUSH = /\/sync\/v1\/push/;
const PULL = /\/sync\/v1\/(changes|snapshot)/;
/** The longest wait for an answer, and what it takes here. */
const ANSWER = { 30_000: 1_000 };
const WAKE_EVERY_MS = 2_500;

/**
 * @typedef {import("../lib/faults.mjs").Fault} Fault
 * @typedef {import("../lib/worker.mjs").Shelf} Shelf
 * @typedef {import("../lib/harness.mjs").Harness} Harness
 * @typedef {{ world: import("../lib/world.mjs").World, device: import("../lib/browser.mjs").Device, worker: Worker, ledger: Ledger, contact?: string }} Cell
 */

/** A page with the library. @param {Cell} cell */
function open({ world, device }) {
  return world.harness(device, "budi", { worker: true, again: true });
}

/** A page is opened: it sends what the worker may not, and agrees with the server. @param {Cell} cell */
async function opened(cell) {
  const { ledger, contact } = cell;
  const budi = await open(cell);
  await settles("the page shows what the server has", async () => {
    const row = await budi.must((sync, id) => sync.customers.get(id), ledger.counter);
    assert.deepEqual([row?.fields.visits, row?.fields.contact ?? undefined], [ledger.visits, contact]);
  }, 10_000);
  await budi.synced(10_000);
  return budi;
}

/** Wakes the worker until it is so. @param {Cell} cell @param {string} what @param {(shelf: Shelf) => boolean} wanted */
async function woken({ world, device, worker }, what, wanted) {
  const end = Date.now() + 12_000;
  for (;;) {
    await worker.wake();
    try {
      return await shelfUntil(device, world.origin, what, wanted, WAKE_EVERY_MS);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

/** @param {Cell} cell @param {Fault} fault */
function noted({ world, device }, { is }) {
  return shelfUntil(device, world.origin, `the worker notes ${is?.kept}`, ({ engine }) => engine?.state === is?.kept && engine?.ours === is?.ours, 20_000);
}

/** @param {Shelf} shelf */
const isSent = ({ outbox, parcels }) => outbox.length + parcels.length === 0;

/** The fault stands, and is lifted. @param {Cell} cell @param {Fault} fault @param {() => void} lift @param {() => import("../lib/proxy.mjs").Seen[]} since */
async function outcome(cell, fault, lift, since) {
  if (fault.is) {
    const shelf = await noted(cell, fault);
    assert.equal(shelf.outbox.length, 2, "both are still there");
    lift();
    if (fault.is.background) await woken(cell, "the worker sends it", isSent);
    else await (await opened(cell)).close();
  } else if (fault.putBy) {
    const { parcels } = await woken(cell, "only the large one is left", ({ outbox }) => outbox.length === 1);
    assert.ok(parcels[0].next_attempt_at - Date.now() > 50 * 60_000, "it is tried again in an hour");
    lift();
    const budi = await open(cell);
    const [left] = await budi.must((sync) => sync.outbox.list());
    await budi.must((sync, row) => sync.outbox.retry(row), left.changes[0].row);
    await budi.must((sync) => sync.sync().then(() => {}));
    await budi.synced(10_000);
    await budi.close();
  } else {
    await woken(cell, "the worker sends it", isSent);
    await until("the worker helps itself as it should", () => fault.mended?.(since()));
    lift();
  }
}

/** The fault hits a push of the worker. @param {Cell} cell @param {Fault} fault */
async function pushing(cell, fault) {
  const { world, device, worker, ledger } = cell;
  const budi = await opened(cell);
  const from = world.proxy.seen.length;
  const since = () => world.proxy.seen.slice(from);
  const lift = world.proxy.rule({ path: PUSH, ...fault.rule });
  const name = `Worker ${fault.name}`;
  await ledger.save(budi, name, fault.notes);
  await budi.close();
  await assertNoPage(device, world.origin);
  await worker.wake();
  await until("the fault hit a push", () => since().some((seen) => PUSH.test(seen.path) && seen.ruled), 20_000);
  await outcome(cell, fault, lift, since);
  assert.deepEqual(await ledger.wrong(), []);
}

/** The fault hits a pull of the worker. @param {Cell} cell @param {Fault} fault */
async function pulling(cell, fault) {
  const { world, device, worker, ledger } = cell;
  const before = await shelfUntil(device, world.origin, "there is a cursor", ({ pull }) => pull?.cursor);
  cell.contact = await ledger.elsewhere();
  const from = world.proxy.seen.length;
  const since = () => world.proxy.seen.slice(from);
  const lift = world.proxy.rule({ path: PULL, ...fault.rule });
  await worker.wake();
  await until("the fault hit a pull", () => since().some((seen) => PULL.test(seen.path) && seen.ruled), 20_000);
  if (fault.is) {
    const shelf = await noted(cell, fault);
    assert.equal(shelf.pull.cursor, before.pull.cursor, "the cursor stands");
  }
  lift();
  const moved = (/** @type {Shelf} */ { pull, engine }) => pull?.cursor !== undefined && pull.cursor !== before.pull.cursor && engine.state === "idle";
  if (fault.is?.background !== false) await woken(cell, "the worker pulls it", moved);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "every fault while the worker syncs: its class is noted, and each change arrives once",
  limitMs: 300_000,
  async run(world) {
    serveWorkerWith(world, ANSWER);
    const device = await world.device();
    const api = await world.api("budi");
    const ledger = new Ledger(api);
    await ledger.begin();
    const worker = await Worker.alone(world, device, "budi");
    /** @type {Cell} */
    const cell = { world, device, worker, ledger };
    for (const fault of await faults(world, api)) {
      world.step(fault.name);
      await pushing(cell, fault);
      if (fault.pull === false) continue;
      world.step(`${fault.name}, pulling`);
      await pulling(cell, fault);
    }
    const last = await opened(cell);
    assert.deepEqual(await last.must((sync) => sync.conflicts.list()), [], "no conflict");
    assert.equal((await last.status()).failed, 0, "nothing was refused");
    assert.deepEqual(await ledger.wrong(), []);
  },
};
