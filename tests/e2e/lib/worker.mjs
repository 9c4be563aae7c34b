/** The service worker without a page: woken and stopped from outside, and what it left in the database. */
import { timers } from "./clock.mjs";
import { HARNESS_PATH } from "./harness.mjs";
import { until } from "./until.mjs";

/** @typedef {import("./browser.mjs").Device} Device */
/** @typedef {{ outbox: any[], parcels: any[], conflicts: any[], history: any[], pages: number, engine: any, pull: any, tags: string[] }} Shelf `engine` is where the machine stands. */

/** A page sends 250 ms after a save. These are gone before, however slow this machine is. */
const NEVER_SENDS = { 250: null };

export class Worker {
  #session;
  #registration;
  #origin;

  /** @param {any} session @param {string} registration @param {string} origin */
  constructor(session, registration, origin) {
    this.#session = session;
    this.#registration = registration;
    this.#origin = origin;
  }

  /** The worker of this origin, watched from a blank page that stays. @param {Device} device @param {string} origin */
  static async of(device, origin) {
    const session = await device.context.newCDPSession(await device.context.newPage());
    let id = "";
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      id = registrations.findLast((/** @type {any} */ one) => !one.isDeleted && one.scopeURL.startsWith(origin))?.registrationId ?? id;
    });
    await session.send("ServiceWorker.enable");
    return new Worker(session, await until("the worker is registered", () => id), origin);
  }

  /** The worker of a user who signed in, with no page open; pages that come do not send by themselves. @param {import("./world.mjs").World} world @param {Device} device @param {string} username */
  static async alone(world, device, username) {
    const first = await world.harness(device, username, { worker: true });
    await first.synced();
    const worker = await Worker.of(device, world.origin);
    await first.close();
    await device.context.addInitScript(timers(NEVER_SENDS));
    return worker;
  }

  /** One sync event, as the browser sends it. @param {boolean} [lastChance] No more will come. */
  async wake(lastChance = false) {
    await this.#session.send("ServiceWorker.dispatchSyncEvent", {
      origin: this.#origin,
      registrationId: this.#registration,
      tag: "fieldsync-outbox",
      lastChance,
    });
  }

  /** One event of Periodic Sync, as the browser sends it to an app that is used, when it likes. */
  async wakePeriodically() {
    await this.#session.send("ServiceWorker.dispatchPeriodicSyncEvent", {
      origin: this.#origin,
      registrationId: this.#registration,
      tag: "fieldsync-pull",
    });
  }

  /** Ends it wherever it is. */
  async stop() {
    await this.#session.send("ServiceWorker.stopAllWorkers");
  }
}

/** What is stored, read by a page that loads nothing of the product. @param {Device} device @param {string} origin @param {string} what @param {(shelf: Shelf) => boolean} wanted @param {number} [limitMs] @returns {Promise<Shelf>} */
export async function shelfUntil(device, origin, what, wanted, limitMs = 15_000) {
  const page = await device.newPage(origin + HARNESS_PATH);
  try {
    /** @type {Shelf | undefined} */
    let shelf;
    await until(what, async () => wanted((shelf = await page.evaluate(readShelf))), limitMs, 50).catch((error) => {
      const { outbox = [], parcels = [], engine, tags } = shelf ?? {};
      throw new Error(`${error.message}; stored: ${JSON.stringify({ outbox: outbox.length, parcels, engine, tags }).slice(0, 1500)}`);
    });
    return /** @type {Shelf} */ (shelf);
  } finally {
    await page.close();
  }
}

/** In the page. @returns {Promise<Shelf>} */
async function readShelf() {
  const name = (await indexedDB.databases()).find((each) => each.name?.startsWith("fieldsync "))?.name ?? "";
  const result = (/** @type {IDBRequest} */ request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await result(indexedDB.open(name));
  const stores = ["outbox", "parcels", "conflicts", "history", "meta"];
  const transaction = database.transaction([...stores, "pages"], "readonly");
  const [outbox, parcels, conflicts, history, meta] = await Promise.all(stores.map((store) => result(transaction.objectStore(store).getAll())));
  const pages = await result(transaction.objectStore("pages").count());
  database.close();
  const named = (/** @type {string} */ name) => meta.find((/** @type {any} */ row) => row.name === name)?.value;
  const registration = /** @type {any} */ (await navigator.serviceWorker.getRegistration("/"));
  const tags = (await registration?.sync.getTags()) ?? [];
  return { outbox, parcels, conflicts, history, pages, engine: named("engine")?.state, pull: named("pull"), tags };
}
