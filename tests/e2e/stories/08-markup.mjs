/** Story 8: a record with markup and quotes in every field is shown as text, everywhere. */
import { uuid7 } from "../lib/api.mjs";
import { assert, until } from "../lib/until.mjs";

const EVIL = `<img src=x onerror="window.hit=1">'"&lt;`;
const SYNC = /\/sync\/v1\/(push|changes|snapshot)/;

/** @param {string} collection @param {Record<string, any>} patch @param {string} id */
const create = (collection, patch, id) => ({ collection, id, action: "create", base_version: 0, patch, seen: {}, edited_at: Date.now() });

/** No markup became an element, no script ran, and the text is there. @param {import("../lib/app.mjs").App} app @param {string} where */
async function harmless(app, where) {
  const { page } = app;
  await until(`the text is shown on ${where}`, async () => (await page.locator("body").getByText("<img src=x", { exact: false }).count()) > 0);
  assert.equal(await page.locator('img[src="x"]').count(), 0, `${where}: no image`);
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).hit), undefined, `${where}: no script`);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "markup in every field is shown as text everywhere",
  async run(world) {
    const api = await world.api("budi");
    const [customer, deal, activity] = [uuid7(), uuid7(), uuid7()];
    const fields = { name: EVIL, contact: EVIL, city: EVIL, address: EVIL, notes: EVIL, tags: [EVIL], email: `"><img/src=x/onerror=hit()>@x.co` };
    const overdue = "2020-01-01"; // First in every list.
    const items = [
      create("customers", { ...fields, next_visit: overdue }, customer),
      create("pipelines", { customer, title: EVIL, stage: "lead", note: EVIL, close_date: overdue }, deal),
      create("activities", { customer, kind: "visit", subject: EVIL, at: Date.now(), note: EVIL }, activity),
    ];
    const pushed = await api.push(items, { rows: [uuid7(), uuid7(), uuid7()] });
    assert.equal(pushed.result.outcome, "applied", JSON.stringify(pushed.json));

    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    for (const path of ["/", `/customers?q=img`, `/customers/${customer}`, "/pipeline", `/activities/new?customer=${customer}`]) {
      await budi.load(path);
      await harmless(budi, path);
    }
    await budi.load(`/customers/${customer}/edit`);
    await until("the form holds the text", async () => (await budi.page.locator("#field-name").inputValue()) === EVIL);
    assert.equal(await budi.page.locator('img[src="x"]').count(), 0);

    world.step("unsent and in conflict");
    world.proxy.rule({ path: SYNC, user: api.user?.id, fault: "refuse" });
    await budi.fill({ contact: `${EVIL} mine` });
    await budi.save();
    await budi.page.waitForURL(/\/customers\/[0-9a-f-]{36}$/);
    const record = await api.record("customers", customer);
    assert.ok(record);
    assert.equal((await api.update(record, { contact: `${EVIL} theirs` })).result.outcome, "applied");
    await budi.load("/sync");
    await harmless(budi, "/sync with unsent work");
    world.proxy.clear();
    await budi.page.evaluate(() => dispatchEvent(new Event("online")));
    await budi.says(/needs your choice/);
    await budi.showCustomer(customer);
    await budi.choose();
    await harmless(budi, "the conflict dialog");
    await budi.decide({ "Contact person": "Yours" });
    await budi.upToDate();
    await budi.load("/sync");
    await harmless(budi, "/sync with history");
    assert.deepEqual(device.troubles.filter(({ kind }) => kind === "error"), []);
  },
};
