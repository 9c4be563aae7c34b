/** Story 60: a manager gives customers to another rep, which is done with an answer of the server or not at all. */
import { assert, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;
const NEEDS = "Needs an internet connection";
const UNKNOWN = "Not known yet – we will ask again";

/** @param {import("../lib/app.mjs").App} app */
const panel = (app) => ({
  select: app.page.locator("#assign-to"),
  button: app.page.getByRole("button", { name: "Assign", exact: true }),
  why: app.page.locator("#assign-why"),
  word: app.page.locator("section[aria-labelledby=assign-label] [role=status]"),
});

/** @param {import("../lib/app.mjs").App} app @param {RegExp} words */
const toasted = (app, words) => app.page.locator(".toasts").filter({ hasText: words }).waitFor({ timeout: 15_000 });

/** @param {import("../lib/app.mjs").App} app */
const badge = (app) => app.page.locator("main .card-head record-badge .badge");

/** The badge and the bar have words of their own for it. @param {import("../lib/app.mjs").App} app */
async function saysSo(app) {
  await until("its badge says so", async () => (await badge(app).innerText()).trim() === "Not known yet");
  await app.says(/ · 1 not known yet – we will ask again$/);
  assert.doesNotMatch(await app.bar(), /saved on this/, "nobody knows where it is");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a manager reassigns customers, online only, and without an answer it is not known yet",
  async run(world) {
    const [desk, first, second] = [await world.device("desk"), await world.device("first"), await world.device("second", { width: 360 })];
    const budi = await world.signedIn(first, "budi");
    await budi.createCustomer({ name: "PT Alih Tangan" });
    await budi.createCustomer({ name: "PT Alih Berdua" });
    await budi.upToDate();
    const sari = await world.signedIn(second, "sari");
    const ahmad = await world.signedIn(desk, "ahmad");
    await ahmad.openCustomer("PT Alih Tangan");
    const { select, button, why, word } = panel(ahmad);

    world.step("assigned: one rep has it, the other has not");
    await until("the team is known", async () => (await select.locator("option").count()) === 2);
    await select.selectOption({ label: "Sari Wulandari" });
    await button.click();
    await toasted(ahmad, /Assigned to Sari Wulandari/);
    for (const [app, count] of /** @type {[typeof sari, number][]} */ ([[sari, 1], [budi, 0]])) {
      await app.pressBar();
      await until("the feed brought it", async () => (await app.found("PT Alih Tangan")) === count);
    }

    world.step("offline the control is disabled, and says why");
    await world.proxy.unplug();
    await ahmad.page.evaluate(() => dispatchEvent(new Event("online")));
    await until("the control is disabled", () => button.isDisabled());
    assert.equal((await why.innerText()).trim(), NEEDS);
    assert.ok(await why.isVisible());
    assert.equal(await button.getAttribute("aria-describedby"), "assign-why");
    assert.ok(await select.isDisabled());
    await world.proxy.replug();
    await ahmad.upToDate();
    await until("the control is usable again", async () => !(await button.isDisabled()));

    world.step("without an answer it is not known yet, and asked again");
    world.proxy.rule({ path: PUSH, fault: "refuse" });
    world.proxy.rule({ path: PUSH, times: 1, fault: "lose-answer" });
    const from = world.proxy.seen.length;
    await select.selectOption({ label: "Budi Santoso" });
    await button.click();
    await toasted(ahmad, /Not known yet/);
    await until("the record says so", async () => (await word.isVisible()) && (await word.innerText()).trim() === UNKNOWN);
    assert.ok(await button.isDisabled());
    await saysSo(ahmad);
    world.proxy.clear();
    await until("it is known", async () => !(await word.isVisible()), 90_000);
    await until("its badge is gone", async () => !/Not known/.test((await badge(ahmad).allInnerTexts()).join()));
    const asked = world.proxy.requests(PUSH).filter((seen) => world.proxy.seen.indexOf(seen) >= from);
    const parcels = asked.flatMap((seen) => (seen.body.parcels.length ? [seen.body.parcels] : []));
    assert.ok(parcels.every((each) => each.length === 1), "alone in its request");
    assert.equal(new Set(parcels.map(([{ op_id }]) => op_id)).size, 1, "always the same op_id");
    const api = await world.api("ahmad");
    const [{ version, fields }] = await api.customersNamed("PT Alih Tangan");
    assert.equal(version, 3, "applied once");
    assert.equal(fields.owner, (await world.api("budi")).user?.id);

    world.step("several at once");
    await ahmad.go("Customers");
    await ahmad.search("PT Alih");
    await ahmad.page.getByRole("button", { name: "Choose several" }).click();
    await until("both can be chosen", async () => (await ahmad.page.locator("main label.row").count()) === 2);
    for (const box of await ahmad.page.locator("main label.row input").all()) await box.check();
    await ahmad.page.locator("#assign-many").selectOption({ label: "Sari Wulandari" });
    await ahmad.page.getByRole("button", { name: "Reassign 2 customers" }).click();
    await toasted(ahmad, /2 customers reassigned/);
    const owners = (await api.records()).filter((entry) => /^PT Alih/.test(entry.fields.name)).map((entry) => entry.fields.owner);
    const sarisId = (await world.api("sari")).user?.id;
    assert.deepEqual(owners, [sarisId, sarisId]);
  },
};
