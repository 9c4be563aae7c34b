/** Story 34: the browser gives up waking the worker. The next page knows, and asks it again. */
import { assert, until } from "../lib/until.mjs";
import { Worker } from "../lib/worker.mjs";

const PUSH = /\/sync\/v1\/push/;

/** What the worker left for the next page. @param {import("playwright-core").Page} page */
function lastChance(page) {
  return page.evaluate(async () => {
    /** @type {IDBDatabase} */
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open("fieldsync");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    /** @type {{ at: number } | undefined} */
    const found = await new Promise((resolve) => {
      const request = database.transaction("identity").objectStore("identity").get("last-chance");
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    return found?.at;
  });
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "after the browser's last chance the next page asks it again",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    const worker = await Worker.of(device, world.origin);
    const settled = world.proxy.rule({ path: PUSH, fault: "refuse" });
    await budi.createCustomer({ name: "PT Terakhir" });
    await budi.says(/^Offline – 1 record/);
    assert.equal(await lastChance(budi.page), undefined);

    world.step("a try that is not the last one says nothing");
    const before = world.proxy.requests(PUSH).length;
    await worker.wake();
    await until("the worker tried", () => world.proxy.requests(PUSH).length > before);
    assert.equal(await lastChance(budi.page), undefined);

    world.step("the last one tells the next page");
    await worker.wake(true);
    await until("it is noted", () => lastChance(budi.page));

    world.step("a page opens: it asks the browser again");
    await budi.load("/");
    await until("it is settled", async () => (await lastChance(budi.page)) === undefined);
    const tags = await budi.page.evaluate(async () => /** @type {any} */ (await navigator.serviceWorker.ready).sync.getTags());
    assert.ok(tags.includes("fieldsync-outbox"), `${tags}`);

    settled();
    await budi.page.evaluate(() => dispatchEvent(new Event("online")));
    await budi.upToDate();
    assert.equal((await (await world.api("budi")).customersNamed("PT Terakhir")).length, 1);
  },
};
