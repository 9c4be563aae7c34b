/** Two who change the same without knowing of each other: one on a phone without a connection, the other at the server. */
import { until } from "./until.mjs";

const SYNC = /\/sync\/v1\/(push|changes|snapshot|preview)/;

/** @typedef {import("./harness.mjs").Harness} Harness */
/** @typedef {import("./api.mjs").Api} Api */
/** @typedef {import("./world.mjs").World} World */
/** @typedef {Record<string, any>} Fields */

export class Clash {
  /** @param {World} world @param {Harness} phone Budi's, on the profile of the app under test. @param {Api} office Ahmad, at the server. @param {string} user Budi's id. */
  constructor(world, phone, office, user) {
    this.world = world;
    this.phone = phone;
    this.office = office;
    this.user = user;
  }

  /** @param {World} world @param {import("./browser.mjs").Device} device @param {{ again?: boolean }} [options] Again: it was here before, and may have unsent work. */
  static async on(world, device, { again = false } = {}) {
    const phone = await world.harness(device, "budi");
    if (!again) await phone.synced(60_000);
    // The app's page is the one that is looked at: what lies behind is drawn when the browser likes.
    await (await device.page()).bringToFront();
    const [budi, office] = [await world.api("budi"), await world.api("ahmad")];
    return new Clash(world, phone, office, budi.user?.id ?? "");
  }

  /** Customers that both know. Gives back their ids. @param {Fields[]} list */
  async shared(list) {
    const ids = await this.phone.must(async (sync, list) => {
      const ids = [];
      for (const fields of list) ids.push((await sync.customers.create(fields)).id);
      await sync.sync();
      return ids;
    }, list);
    await this.phone.synced(60_000);
    return ids;
  }

  /** The phone hears nothing and sends nothing. */
  away() {
    this.world.proxy.rule({ path: SYNC, user: this.user, fault: "refuse" });
  }

  /** It comes back, and has heard of everything. */
  async back() {
    this.world.proxy.clear();
    await this.phone.must((sync) => sync.sync().then(() => {}));
  }

  /** What the phone writes. @param {string} id @param {Fields | null} patch Null deletes. */
  edit(id, patch) {
    return this.phone.must(
      async (sync, { id, patch }) => {
        const record = await sync.customers.get(id);
        await (patch ? sync.customers.update(record, patch) : sync.customers.remove(record));
      },
      { id, patch },
    );
  }

  /** What the phone writes to many, each `patch(n)` as a row of the list. @param {{ id: string, patch: Fields }[]} list */
  editAll(list) {
    return this.phone.must(async (sync, list) => {
      for (const { id, patch } of list) await sync.customers.update(await sync.customers.get(id), patch);
    }, list);
  }

  /** What the office does at the server, as one user after the other would. @param {{ id: string, patch: Fields | null }[]} list @param {Api} [api] */
  async serverEdits(list, api = this.office) {
    const all = new Map((await api.records("customers")).map((entry) => [entry.id, entry]));
    const items = list.map(({ id, patch }) => {
      const entry = all.get(id);
      if (!entry) throw new Error(`the server has no ${id}`);
      const seen = patch ? Object.fromEntries(Object.keys(patch).map((name) => [name, entry.fields[name] ?? null])) : entry.fields;
      return { collection: "customers", id, action: patch ? "update" : "delete", base_version: entry.version, patch: patch ?? {}, seen, edited_at: Date.now() };
    });
    const { json } = await api.pushEach(items);
    const refused = json.results.filter((/** @type {any} */ result) => result.outcome !== "applied");
    if (refused.length) throw new Error(`the server did not take it: ${JSON.stringify(refused[0])}`);
  }

  /** Both at once. @param {string} id @param {Fields | null} mine @param {Fields | null} theirs */
  async both(id, mine, theirs) {
    this.away();
    await this.edit(id, mine);
    await this.serverEdits([{ id, patch: theirs }]);
    await this.back();
  }

  /** @param {number} count @param {number} [limitMs] */
  async waits(count, limitMs = 30_000) {
    return until(`${count} conflicts`, async () => {
      const found = await this.phone.must((sync) => sync.conflicts.list());
      return found.length === count && found;
    }, limitMs, 100);
  }

  /** Nothing is unsent any more: also what was held for Undo. @param {number} [limitMs] */
  async settled(limitMs = 40_000) {
    await until("everything is sent", async () => {
      // What the app's page saved a moment ago is known to this one after a cycle has read the store, and not before.
      await this.phone.must((sync) => sync.sync().then(() => {}));
      return (await this.phone.status()).pending === 0;
    }, limitMs, 300);
  }
}
