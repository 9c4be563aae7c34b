/** A page of the database is damaged on the disk: the app opens, unsent work is as it was, and what is missing comes again. */
import { assert, until } from "../lib/until.mjs";

/** Flips the last byte of every stored page of this collection. Runs in a page that has not opened the library. @param {string} collection */
async function damage(collection) {
  const { name } = (await indexedDB.databases()).find(({ name }) => name?.startsWith("fieldsync http")) ?? {};
  if (!name) throw new Error("there is no database");
  /** @type {IDBDatabase} */
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("pages", "readwrite");
    let count = 0;
    transaction.objectStore("pages").openCursor().onsuccess = (event) => {
      const cursor = /** @type {IDBRequest<IDBCursorWithValue | null>} */ (event.target).result;
      if (!cursor) return;
      if (cursor.value.collection === collection) {
        const bytes = new Uint8Array(cursor.value.bytes);
        bytes[bytes.length - 1] ^= 1;
        cursor.update({ ...cursor.value, bytes });
        count += 1;
      }
      cursor.continue();
    };
    transaction.oncomplete = () => (database.close(), resolve(count));
    transaction.onabort = () => reject(transaction.error);
  });
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a damaged page is fetched again, and unsent work stays",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.must((sync) => sync.customers.create({ name: "Damaged and back", city: "Bogor" }).then(() => {}));
    await budi.must((sync) => sync.sync().then(() => {}));
    await budi.synced();
    const before = await budi.must((sync) => sync.customers.count());
    await world.proxy.unplug();
    await budi.must(async (sync) => {
      const [record] = await sync.customers.list({ where: { name: "Damaged and back" } });
      await sync.customers.update(record, { city: "Depok" });
    });

    world.step("the disk damages the customers' pages while nothing is open");
    await budi.must((sync) => sync.close());
    assert.ok((await budi.page.evaluate(damage, "customers")) > 0);

    world.step("it opens with the unsent change, and asks for the rest");
    await world.proxy.replug();
    await budi.open("budi");
    const [mine] = await budi.must((sync) => sync.customers.list({ where: { city: "Depok" } }).then((/** @type {any[]} */ rows) => rows.map(({ fields, status }) => ({ fields, status }))));
    assert.equal(mine?.fields.city, "Depok", "unsent work is as it was");
    await budi.synced(60_000);
    await until("all customers are here again", async () => (await budi.must((sync) => sync.customers.count())) === before);
    const server = await (await world.api("budi")).customersNamed("Damaged and back");
    assert.deepEqual(server.map(({ fields }) => fields.city), ["Depok"], "and was sent, once");
    const { errors } = await budi.status();
    assert.ok(errors.some((/** @type {{ code: string }} */ { code }) => code === "page-damaged"), JSON.stringify(errors));
  },
};
