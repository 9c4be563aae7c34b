/** Story 70: whoever looks for a customer finds it, typed as people type, offline too; and is told of one that is there already. */
import { assert, until } from "../lib/until.mjs";

/** @typedef {import("../lib/harness.mjs").Harness} Harness */

/** @param {Harness} tab @param {string} text @returns {Promise<string[]>} */
function found(tab, text) {
  return tab.must(async (sync, text) => (await sync.customers.search(text, { limit: 5 })).map((/** @type {any} */ row) => row.fields.name), text);
}

/** Counts in the page how often a result was called another. @param {Harness} tab @param {any} query */
function count(tab, query) {
  return tab.must((sync, query) => {
    const window = /** @type {any} */ (globalThis);
    window.calls = 0;
    sync.customers.watch(query, () => (window.calls += 1));
  }, query);
}

/** @param {Harness} tab @returns {Promise<number>} */
const calls = (tab) => tab.page.evaluate(() => /** @type {any} */ (globalThis).calls);

/** @type {import("../run.mjs").Story} */
export default {
  title: "search finds what was meant, and points out who is there already",
  async run(world) {
    const device = await world.device();
    const [one, two] = [await world.harness(device, "budi"), await world.harness(device, "budi")];
    await one.synced();
    await two.synced();
    await one.must((sync) => sync.customers.create({
      name: "PT Café Sumber Zamrud", phone: "0812-9988-7766", email: "zamrud@toko.example", city: "Malang",
    }).then(() => {}));

    world.step("what was just saved is found, however it is typed, in every tab");
    const spellings = ["cafe zamrud", "CV Zamrud", "sumber zamrdu", "cafesumber zamrud", "+62 812 9988", "0812-9988-7766", "6281299887766"];
    for (const tab of [one, two]) {
      for (const text of spellings) {
        await until(`"${text}" finds it`, async () => (await found(tab, text))[0] === "PT Café Sumber Zamrud", 2_000);
      }
    }
    const everywhere = await one.must(async (sync) => {
      const [customer] = await sync.customers.search("zamrud");
      await sync.activities.create({ customer: customer.id, kind: "call", subject: "Telepon Zamrud", at: Date.now() });
      const rows = await sync.search("zamrud", { limit: 10 });
      return { collections: rows.map((/** @type {any} */ row) => row.collection), complete: rows.complete };
    });
    assert.deepEqual(everywhere.collections, ["customers", "activities"]);

    world.step("the whole index is made when the page is idle");
    await until("the answer is complete", () => two.must(async (sync) => (await sync.search("zamrud")).complete), 10_000);

    world.step("a watch calls back when its result is another, and only then, in every tab");
    for (const tab of [one, two]) await count(tab, { search: "zamrud", include: [] });
    await one.must((sync) => sync.customers.create({ name: "Toko Lain" }).then(() => {}));
    await one.must((sync) => sync.sync().then(() => {}));
    await Promise.all([one.synced(), two.synced()]);
    await one.page.waitForTimeout(300);
    const before = [await calls(one), await calls(two)];
    await one.must((sync) => sync.customers.create({ name: "Toko Lain Lagi" }).then(() => {}));
    await until("the other tab has it", async () => (await found(two, "lain lagi")).length === 1, 2_000);
    await one.must((sync) => sync.sync().then(() => {}));
    await Promise.all([one.synced(), two.synced()]);
    await one.page.waitForTimeout(300);
    assert.deepEqual([await calls(one), await calls(two)], before, "another customer is no other result");
    await two.must((sync) => sync.customers.create({ name: "Zamrud Dua" }).then(() => {}));
    for (const [index, tab] of [one, two].entries()) {
      await until("a tab is called back", async () => (await calls(tab)) > before[index], 2_000);
    }
    await Promise.all([one.synced(), two.synced()]);

    world.step("offline, a new customer that is there already is pointed out, with the reason, and can be saved all the same");
    const phone = await world.signedIn(device, "budi");
    await phone.upToDate();
    await world.proxy.unplug();
    await phone.go("Customers");
    await phone.search("sumber zamrdu");
    await phone.page.locator("main a.row").filter({ hasText: "PT Café Sumber Zamrud" }).waitFor();
    await phone.page.getByRole("link", { name: "New customer" }).click();
    await phone.fill({ name: "CV Sumber Zamrud" });
    const hint = phone.page.locator(".alike[role=status]");
    await phone.page.waitForTimeout(600);
    assert.equal(await hint.textContent(), "", "another name: café is part of it");
    await phone.fill({ name: "Cafe Sumber Zamrd" });
    await until("the name is alike", async () => (await hint.textContent())?.includes("similar name"), 3_000);
    await phone.fill({ name: "Warung Baru", phone: "+62 812 9988 7766" });
    await until("the phone number is the same", async () => (await hint.textContent())?.includes("same phone"), 3_000);
    const link = hint.getByRole("link", { name: /PT Café Sumber Zamrud, Malang/ });
    await link.focus();
    assert.ok(await link.evaluate((node) => node === document.activeElement), "the keyboard gets there");
    await phone.save();
    await phone.page.getByRole("heading", { name: "Warung Baru" }).first().waitFor();
    await world.proxy.replug();
    await phone.upToDate();
  },
};
