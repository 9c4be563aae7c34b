/** The browser stops the worker in the middle of a cycle, wherever it is: nothing is lost or doubled, and the next event goes on. */
import { assertNoPage } from "../lib/cdp.mjs";
import { Ledger } from "../lib/faults.mjs";
import { assert, sleep, until } from "../lib/until.mjs";
import { Worker, shelfUntil } from "../lib/worker.mjs";

const PUSH = /\/sync\/v1\/push/;
const CHANGES = /\/sync\/v1\/changes/;
/** Stops at moments that nobody chose. */
const RANDOM_STOPS = 8;
const MOMENT_MS_MAX = 120;

/** @typedef {import("../lib/world.mjs").World} World */
/** @typedef {{ world: World, device: import("../lib/browser.mjs").Device, worker: Worker, ledger: Ledger }} Scene */

/** Something to send, and no page. @param {Scene} scene @param {string} name */
async function queue({ world, device, ledger }, name) {
  const budi = await world.harness(device, "budi", { worker: true, again: true });
  await budi.synced();
  assert.equal((await budi.must((sync, id) => sync.customers.get(id), ledger.counter)).fields.visits, ledger.visits);
  world.proxy.rule({ path: PUSH, fault: "refuse" }); // Until the page is gone, and whatever its going starts.
  await ledger.save(budi, name);
  await budi.close();
  await assertNoPage(device, world.origin);
  await sleep(200);
  world.proxy.clear();
}

/** Wakes the worker until all is sent, and looks. @param {Scene} scene */
async function finish({ world, device, worker, ledger }) {
  await until("the worker sends it", async () => {
    await worker.wake();
    return shelfUntil(device, world.origin, "the outbox is empty", ({ outbox, parcels }) => outbox.length + parcels.length === 0, 3_000);
  });
  assert.deepEqual(await ledger.wrong(), []);
}

/** Stops the worker while this request waits, before or after the server has it. @param {Scene} scene @param {RegExp} path @param {"delay" | "hold"} where */
async function stopAt({ world, worker }, path, where) {
  const from = world.proxy.seen.length;
  const held = where === "hold" ? world.proxy.holdNext({ path }) : undefined;
  if (!held) world.proxy.rule({ path, times: 1, delay: 700 });
  await worker.wake();
  await until("the request is there", held ? held.isHeld : () => world.proxy.seen.slice(from).some((seen) => seen.ruled));
  await worker.stop();
  held?.release();
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the worker is stopped in mid-cycle, and nothing is lost or doubled",
  async run(world) {
    const device = await world.device();
    const ledger = new Ledger(await world.api("budi"));
    await ledger.begin();
    const worker = await Worker.alone(world, device, "budi");
    const scene = { world, device, worker, ledger };

    for (const [path, where, name] of /** @type {const} */ ([
      [PUSH, "delay", "its push comes late, after the next worker's"],
      [PUSH, "hold", "its push was applied, and nobody heard"],
      [CHANGES, "hold", "its pull was answered, and nobody heard"],
    ])) {
      world.step(name);
      await queue(scene, `Stopped: ${name}`);
      await stopAt(scene, path, where);
      await finish(scene);
    }
    await sleep(700); // The late push has come by now.
    assert.deepEqual(await ledger.wrong(), []);

    for (let number = 0; number < RANDOM_STOPS; number += 1) {
      world.step(`stopped at some moment, ${number}`);
      await queue(scene, `Stopped at random ${number}`);
      await worker.wake();
      await sleep(Math.random() * MOMENT_MS_MAX);
      await worker.stop();
      await finish(scene);
    }

    const last = await world.harness(device, "budi", { worker: true, again: true });
    await last.synced();
    assert.equal((await last.must((sync, id) => sync.customers.get(id), ledger.counter)).fields.visits, ledger.visits);
    assert.deepEqual(await last.must((sync) => sync.conflicts.list()), []);
  },
};
