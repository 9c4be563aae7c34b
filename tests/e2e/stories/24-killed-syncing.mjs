/**
 * The whole browser is killed while it syncs: in the middle of a first snapshot, while pages are split, while a push is under way;
 * at moments that nobody chose, between the last write of an answer's transaction and its commit, and right after the commit.
 * Each time it opens on what was complete, and goes on.
 */
import { Harness, HARNESS_PATH } from "../lib/harness.mjs";
import { uuid7 } from "../lib/api.mjs";
import { watchWrites } from "../lib/transactions.mjs";
import { assert, sleep, until } from "../lib/until.mjs";
import { shelfUntil } from "../lib/worker.mjs";

const PUSH = /\/sync\/v1\/push/;
const SNAPSHOT = /\/sync\/v1\/snapshot/;
const CHANGES = /\/sync\/v1\/changes/;
const RECORDS = 4_000;
const GROWN = 1_500;
const QUEUED = 300;
const BATCH = 200;
/** After an answer went out: while its page is being written. */
const MOMENTS_MS = [10, 30, 60];

/** @typedef {import("../lib/world.mjs").World} World */
/** @typedef {import("../lib/browser.mjs").Device} Device */
/** @typedef {import("../lib/api.mjs").Api} Api */

/** @param {Api} api @param {any[]} items */
async function pushAll(api, items) {
  for (let from = 0; from < items.length; from += BATCH) {
    const { json } = await api.pushEach(items.slice(from, from + BATCH));
    const outcomes = new Set(json.results.map((/** @type {any} */ result) => result.outcome));
    assert.deepEqual([...outcomes], ["applied"], "the server takes what the story prepares");
  }
}

/** Ids spread over time, as those of a year's work are. @param {Api} api */
async function seed(api) {
  const text = "Toko bahan bangunan di jalan raya, buka setiap hari. ".repeat(6);
  const items = Array.from({ length: RECORDS }, (_, number) => ({
    collection: "customers", id: uuid7(), action: "create", base_version: 0, seen: {}, edited_at: Date.now(),
    patch: { name: `Seeded ${number}`, city: "Bandung", notes: text, visits: 0 },
  }));
  await pushAll(api, items);
}

/** What was on a page comes to need several. @param {Api} api @param {number} from @param {number} to */
async function grow(api, from, to) {
  const more = "Pemilik meminta penawaran baru untuk proyek berikutnya. ".repeat(25);
  const seeded = (await api.records()).filter((entry) => String(entry.fields.name).startsWith("Seeded"));
  const items = seeded.slice(from, to).map((entry) => ({
    collection: "customers", id: entry.id, action: "update", base_version: entry.version, edited_at: Date.now(),
    patch: { address: "Jl. Merdeka 1", notes: entry.fields.notes + more }, seen: { address: null, notes: entry.fields.notes },
  }));
  await pushAll(api, items);
}

/** The library opens and starts to sync; nobody waits. @param {World} world @param {Device} device @param {(page: import("playwright-core").Page) => Promise<void>} [before] The page is loaded. */
async function start(world, device, before) {
  if (!device.open) await device.start();
  const page = await device.page();
  await before?.(page);
  await page.goto(world.origin + HARNESS_PATH);
  const harness = new Harness(page, world.origin);
  await harness.open("budi");
  return harness;
}

/** Kills the browser so long after an answer of this path has gone out, the `nth` of this start. @param {World} world @param {Device} device @param {RegExp} path @param {number} nth @param {number} ms */
async function killAfter(world, device, path, nth, ms) {
  const from = world.proxy.seen.length;
  const answers = () => world.proxy.seen.slice(from).filter((seen) => path.test(seen.path) && seen.answer).length;
  await start(world, device);
  await until(`${nth} answers of ${path}`, () => answers() >= nth, 20_000, 1);
  await sleep(ms);
  await device.kill();
  world.step(`killed ${ms} ms after answer ${nth} of ${path}`);
}

/** Kills the browser in the transaction that writes an answer, with all of it written, or right after. @param {World} world @param {Device} device @param {import("../lib/transactions.mjs").Store} store @param {import("../lib/transactions.mjs").Moment} moment */
async function killIn(world, device, store, moment) {
  /** @type {Awaited<ReturnType<typeof watchWrites>> | undefined} */
  let watch;
  await start(world, device, async (page) => void (watch = await watchWrites(page, store, moment)));
  await until(`an answer's transaction is ${moment}`, () => watch?.has(), 20_000, 1);
  await device.kill();
  if (moment === "written") assert.deepEqual(watch?.told, ["written"], "it was killed before the commit");
  world.step(`killed when the first transaction over ${store} was ${moment}`);
}

/** A row of the store may hold several. @param {any} row @returns {string[]} */
const opIds = (row) => (row.parcels ? JSON.parse(row.parcels).map((/** @type {any} */ each) => each.op_id) : [row.op_id]);

/** What is stored, by a browser that starts for it and is killed after. @param {World} world @param {Device} device */
async function stored(world, device) {
  if (!device.open) await device.start();
  const { pages, pull, parcels, outbox, history } = await shelfUntil(device, world.origin, "it can be read", () => true);
  await device.kill();
  return { pages, pull, parcels: parcels.flatMap(opIds), outbox: outbox.length, history: history.length };
}

/** The feed's page: not there at all, with the cursor of before; or all of it, with a newer one. @param {World} world @param {Device} device @param {Api} api */
async function inThePage(world, device, api) {
  const before = await stored(world, device);
  await grow(api, GROWN, 2 * GROWN);
  await killIn(world, device, "pages", "written");
  assert.deepEqual(await stored(world, device), before, "nothing of a page that was not committed is there");
  await killIn(world, device, "pages", "committed");
  const after = await stored(world, device);
  assert.ok(after.pages > before.pages, "the page that was committed is there");
  assert.notEqual(after.pull.cursor, before.pull.cursor, "with its cursor");
  const from = world.proxy.seen.length;
  const budi = await agrees(world, device, api);
  const asked = world.proxy.seen.slice(from).find((seen) => CHANGES.test(seen.path));
  assert.equal(new URL(asked?.path ?? "", world.origin).searchParams.get("cursor"), after.pull.cursor, "and it goes on from there");
  return budi;
}

/** The answer of a push: its end is noted for none of it, and it is sent again; or for all of it. @param {World} world @param {Device} device */
async function inThePush(world, device) {
  const before = await stored(world, device);
  const from = world.proxy.seen.length;
  await killIn(world, device, "history", "written");
  const [first] = parcelsSent(world, from);
  assert.ok(first.length, "something was sent, and answered");
  const held = await stored(world, device);
  assert.deepEqual([held.history, held.outbox], [before.history, before.outbox], "what was not committed ended nothing");
  assert.deepEqual(first.filter((/** @type {string} */ id) => !held.parcels.includes(id)), [], "what was sent is still open");
  const again = world.proxy.seen.length;
  await killIn(world, device, "history", "committed");
  assert.deepEqual(parcelsSent(world, again)[0], first, "the same was sent again, by the same names");
  const after = await stored(world, device);
  assert.ok(after.history > before.history, "its end is noted");
  assert.deepEqual(first.filter((/** @type {string} */ id) => after.parcels.includes(id)), [], "of all of it");
}

/** What was sent, request by request. @param {World} world @param {number} from @returns {string[][]} */
function parcelsSent(world, from) {
  const bodies = world.proxy.seen.slice(from).flatMap((seen) => (PUSH.test(seen.path) && seen.body?.parcels?.length ? [seen.body] : []));
  return bodies.map(({ parcels }) => parcels.map((/** @type {any} */ each) => each.op_id));
}

/** Kills the browser while the answer of the server is on its way. @param {World} world @param {Device} device @param {RegExp} path @param {number} after */
async function killDuring(world, device, path, after) {
  const { isHeld, release } = world.proxy.holdNext({ path, after });
  await start(world, device);
  await until("the server has answered", isHeld);
  await device.kill();
  release();
  world.step(`killed while an answer of ${path} was on its way`);
}

/** The device, opened again, completes, and has what the server has. @param {World} world @param {Device} device @param {Api} api */
async function agrees(world, device, api) {
  const budi = await start(world, device);
  await budi.must((sync) => sync.sync().then(() => {}));
  await budi.synced(60_000);
  const rows = await budi.must(async (sync) => {
    const rows = await sync.customers.list({ limit: 10_000 });
    return rows.map((/** @type {any} */ { id, version, fields }) => [id, version, fields.name, fields.notes ?? null, fields.visits ?? null]);
  });
  const theirs = (await api.records()).map(({ id, version, fields }) => [id, version, fields.name, fields.notes ?? null, fields.visits ?? null]);
  const sorted = (/** @type {any[]} */ list) => list.map((row) => JSON.stringify(row)).sort();
  assert.deepEqual(sorted(rows), sorted(theirs), "every record is here, as the server has it, and no other");
  assert.deepEqual(await budi.must((sync) => sync.conflicts.list()), []);
  return budi;
}

/** @param {Device} device @param {World} world */
async function pages(device, world) {
  return (await shelfUntil(device, world.origin, "there are pages", (shelf) => shelf.pages > 0)).pages;
}

/** Queues changes while the cable is out, half of them on one record. @param {any} sync @param {{ queued: number, round: number }} given */
async function queueUp(sync, { queued, round }) {
  const [counter] = await sync.customers.list({ where: { name: "Seeded 7" } });
  for (let number = 0; number < queued; number += 2) {
    await sync.customers.create({ name: `Queued ${round}-${number}` });
    const row = await sync.customers.get(counter.id);
    await sync.customers.update(row, { visits: row.fields.visits + 1 });
  }
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the browser is killed while it syncs, and what it opens on is whole",
  limitMs: 400_000,
  async run(world) {
    const device = await world.device();
    const api = await world.api("budi");
    await seed(api);

    world.step("in the middle of a first snapshot");
    await killDuring(world, device, SNAPSHOT, 1);
    for (const [round, ms] of MOMENTS_MS.entries()) await killAfter(world, device, SNAPSHOT, 1 + (round % 2), ms);
    await agrees(world, device, api);

    world.step("while pages are split");
    const before = await pages(device, world);
    await device.kill();
    await grow(api, 0, GROWN);
    await killDuring(world, device, CHANGES, 0);
    for (const ms of MOMENTS_MS) await killAfter(world, device, CHANGES, 1, ms);
    await agrees(world, device, api);
    assert.ok((await pages(device, world)) > before * 1.3, "pages were split");
    await device.kill();
    world.step("in the transaction that splits them");
    let budi = await inThePage(world, device, api);

    world.step("during a push");
    const kills = [() => inThePush(world, device), () => killDuring(world, device, PUSH, 0), ...MOMENTS_MS.map((ms) => () => killAfter(world, device, PUSH, 1, ms))];
    for (const [round, kill] of kills.entries()) {
      await world.proxy.unplug();
      await budi.must(queueUp, { queued: QUEUED, round });
      await device.kill();
      await world.proxy.replug();
      await kill();
      budi = await agrees(world, device, api);
    }
    const devices = new Set(world.proxy.requests(PUSH).map((seen) => /** @type {any} */ (seen.body)?.device));
    assert.equal(devices.size, 1, "the browser itself kept its database");
    const records = await api.records();
    const queued = records.filter((entry) => String(entry.fields.name).startsWith("Queued "));
    assert.equal(queued.length, (kills.length * QUEUED) / 2, "each was made once");
    assert.ok(queued.every((entry) => entry.version === 1), "and applied once");
    assert.equal(records.find((entry) => entry.fields.name === "Seeded 7")?.fields.visits, (kills.length * QUEUED) / 2, "each visit was counted once");
  },
};
