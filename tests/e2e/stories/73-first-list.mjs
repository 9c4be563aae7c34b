/** The app is opened again: its first list is there before the pages are read, with what is unsent, and is whole soon after. */
import { assert, until } from "../lib/until.mjs";

const QUERY = { sort: ["name"], limit: 20 };

/** Whether heads are stored. Runs in the page. */
async function hasHeads() {
  const { name } = (await indexedDB.databases()).find(({ name }) => name?.startsWith("fieldsync http")) ?? {};
  if (!name) return false;
  /** @type {IDBDatabase} */
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const keys = await new Promise((resolve) => {
    const request = database.transaction("derived").objectStore("derived").getAllKeys();
    request.onsuccess = () => resolve(request.result);
  });
  database.close();
  return keys.includes("heads");
}

/** Opens the library and asks at once: what is listed, what a watcher is told, one after the other, and what the rest says when it comes. */
async function reopen(/** @type {any} */ query) {
  const window = /** @type {any} */ (globalThis);
  const path = "/fieldsync/fieldsync.js";
  const { openClient } = await import(path);
  const profile = await window.auth.resume();
  const getAccessToken = (/** @type {string} */ reason) => window.auth.accessToken(reason, profile.id);
  const sync = (window.sync = await openClient({ user: profile, profile, getAccessToken, serviceWorker: false }));
  const short = (/** @type {any} */ rows) => ({ names: rows.map((/** @type {any} */ { fields }) => fields.name), complete: rows.complete });
  /** @type {any[]} */
  const told = [];
  sync.customers.watch(query, (/** @type {any} */ rows) => told.push(short(rows)));
  const atOnce = told.length;
  /** @type {any[]} */
  const others = [];
  sync.customers.watch({ ...query, sort: ["-name"] }, (/** @type {any} */ rows) => others.push(short(rows)));
  const othersAtOnce = others.length;
  const listed = sync.customers.list(query).then(short);
  const count = sync.customers.count();
  const pending = sync.status.pending;
  const first = await listed;
  await count;
  window.told = told;
  window.others = others;
  return { first, atOnce, othersAtOnce, pending, count: await count };
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the first list is there before the pages are read, and is whole soon after",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    const whole = await budi.must((sync, query) => sync.customers.list(query).then((/** @type {any[]} */ rows) => rows.map(({ fields }) => fields.name)), QUERY);
    const count = await budi.must((sync) => sync.customers.count());
    await until("what the next start shows is kept", () => budi.page.evaluate(hasHeads));

    world.step("the app is used without a network, and closed");
    await world.proxy.unplug();
    await budi.must((sync) => sync.customers.create({ name: "AA Baru", city: "Bogor" }).then(() => {}));
    await budi.must((sync) => sync.close());
    await world.proxy.replug();

    world.step("it opens with the list at once");
    const opened = await budi.page.evaluate(reopen, QUERY);
    assert.deepEqual([opened.first.complete, opened.atOnce, opened.othersAtOnce], [false, 1, 0], "only what has a head");
    assert.deepEqual(opened.first.names, ["AA Baru", ...whole.slice(0, QUERY.limit - 1)], "with what is unsent in its place");
    assert.deepEqual([opened.pending, opened.count], [1, count + 1], "a count waits for all");
    await until("the list is whole", async () => {
      const told = await budi.page.evaluate(() => /** @type {any} */ (globalThis).told.at(-1));
      return told.complete && told.names[0] === "AA Baru";
    });
    const others = await budi.page.evaluate(() => /** @type {any} */ (globalThis).others);
    assert.ok(others.length > 0 && others.every((/** @type {any} */ { complete }) => complete), "whoever has no head is told once all is here");
    await budi.synced();
  },
};
