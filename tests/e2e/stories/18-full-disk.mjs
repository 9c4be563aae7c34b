/** The disk is full: the save says so and keeps its form, what was saved before is safe, and with room again all is sent. */
import { assert, until } from "../lib/until.mjs";

/** UUIDs in a record's notes: text that does not compress to nothing, within the field's limit. */
const UUIDS = 200;
/** The disk of this story. It is small from the start: the browser remembers for a while how much room it found. */
const DISK_BYTES = 4 * 1024 * 1024;
const SAVES_MAX = 1_500;
/** What 1 MiB is room for, and some of it goes to the database's own needs. */
const SAVED_AFTER_MIN = 40;

/** @typedef {import("../lib/harness.mjs").Harness} Harness */

/** Saves until one is refused; how many went well after the disk was found full. @param {Harness} sync @param {string[]} rows */
async function fill(sync, rows) {
  let after = 0;
  for (let number = 0; number < SAVES_MAX; number += 1) {
    const saved = await sync.run(
      async (sync, { number, uuids }) => {
        const row = sync.newId();
        Object.assign(globalThis, { lastRow: row });
        const notes = Array.from({ length: uuids }, () => crypto.randomUUID()).join("");
        await sync.customers.create({ name: `Full ${number}`, notes }, { row });
        return { row, trouble: sync.status.errors.some((/** @type {any} */ each) => each.code === "storage") };
      },
      { number, uuids: UUIDS },
    );
    if (saved.error) return { error: saved.error, after };
    rows.push(saved.row);
    if (saved.trouble) after += 1;
  }
  throw new Error(`${SAVES_MAX} saves of 7 KB fitted into ${DISK_BYTES} bytes`);
}

/** Whether room is kept, as the database has it. @param {Harness} sync */
function hasReserve(sync) {
  return sync.page.evaluate(async () => {
    for (const { name = "" } of await indexedDB.databases()) {
      const database = await new Promise((done) => (indexedDB.open(name).onsuccess = (event) => done(/** @type {any} */ (event.target).result)));
      const key = await new Promise((done) => {
        if (!database.objectStoreNames.contains("derived")) return done(undefined);
        const asked = database.transaction("derived").objectStore("derived").getKey("reserve");
        asked.onsuccess = () => done(asked.result);
      });
      database.close();
      if (key !== undefined) return true;
    }
    return false;
  });
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a full disk refuses a save with its reason, and loses nothing",
  async run(world) {
    const device = await world.device();
    const page = await device.newPage("about:blank");
    const cdp = await device.context.newCDPSession(page);
    const room = (/** @type {number} */ quotaSize) => cdp.send("Storage.overrideQuotaForOrigin", { origin: world.origin, quotaSize });
    await room(DISK_BYTES);
    const budi = await world.harness(device, "budi");
    await budi.synced();
    await until("room is kept", () => hasReserve(budi));
    await world.proxy.unplug();
    world.step("saves until the disk is full");
    /** @type {string[]} */
    const rows = [];
    const { error, after } = await fill(budi, rows);
    world.step(`${rows.length} saves fitted`);
    assert.equal(error.code, "storage-full", JSON.stringify(error));
    // Room that was kept was given up first, and that was room for more saves.
    assert.equal(await hasReserve(budi), false);
    world.step(`of them ${after} after the disk was found full`);
    assert.ok(after >= SAVED_AFTER_MIN, `${after} saves after the disk was found full`);
    assert.ok(rows.length > 0, "some fitted");
    assert.equal((await budi.status()).state, "full");
    assert.equal((await budi.status()).pending, rows.length, "what was saved is there, what was refused is not");
    world.step("room again: the same Save succeeds");
    await room(100 * DISK_BYTES);
    const again = (/** @type {any} */ sync) => sync.customers.create({ name: "Full at last" }, { row: /** @type {any} */ (globalThis).lastRow }).then(() => {});
    await budi.must(again);
    assert.notEqual((await budi.status()).state, "full");
    await world.proxy.replug();
    await until("all is sent", async () => {
      await budi.must((sync) => sync.sync().then(() => {}));
      return (await budi.status()).pending === 0;
    }, 60_000, 300);
    const all = await (await world.api("budi")).records("customers");
    const found = all.filter((/** @type {any} */ entry) => entry.fields.name.startsWith("Full "));
    assert.equal(found.length, rows.length + 1);
    assert.ok(found.every((/** @type {any} */ entry) => entry.version === 1), "each once");
  },
};
