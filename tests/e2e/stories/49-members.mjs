/**
 * Story 49: a field that is merged by member. Two people, each in a profile of their own, fill in different opening hours of one
 * customer: both stand, and nobody is asked. The same one: they are asked about that one alone.
 */
import { nothingFound } from "../lib/axe.mjs";
import { Clash } from "../lib/clash.mjs";
import { assert, settles, until } from "../lib/until.mjs";

/** @typedef {import("../lib/app.mjs").App} App */

const NAME = "PT Jam Buka";

/** In the form of the record's page. @param {App} app @param {string} id @param {{ [label: string]: string }} hours */
async function writes(app, id, hours) {
  await app.showCustomer(id);
  await app.openForm();
  const group = app.page.getByRole("group", { name: /^Opening hours/ });
  for (const [label, text] of Object.entries(hours)) await group.getByLabel(label, { exact: true }).fill(text);
  await nothingFound(app.page, "the form");
  await app.save();
  await app.page.waitForURL(/\/customers\/[0-9a-f-]{36}$/);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "opening hours are merged day by day, and only the day that both changed is asked about",
  limitMs: 200_000,
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    const app = await world.signedIn(device, "budi");
    const clash = await Clash.on(world, device);
    const ahmad = await world.signedIn(await world.device("desk", { width: 1280, height: 800, phone: false }), "ahmad");
    const [id] = await clash.shared([{ name: NAME, hours: { mon_fri: "8–17", sat: "9–13" } }]);
    const atServer = async () => (await (await world.api("ahmad")).record("customers", id))?.fields.hours;

    world.step("different days: both stand");
    await app.showCustomer(id);
    await app.shows("Opening hours", "Monday to Friday: 8–17, Saturday: 9–13");
    await settles("he has it", async () => {
      await ahmad.showCustomer(id);
      await ahmad.shows("Opening hours", "Monday to Friday: 8–17, Saturday: 9–13", 2_000);
    }, 40_000);
    clash.away();
    await writes(app, id, { "Monday to Friday": "7–16", Sunday: "10–12" });
    await writes(ahmad, id, { Saturday: "closed" });
    await until("his is at the server", async () => (await atServer())?.sat === "closed");
    await clash.back();
    await clash.settled();
    assert.deepEqual(await clash.phone.must((sync) => sync.conflicts.list()), [], "nobody is asked");
    const merged = { mon_fri: "7–16", sat: "closed", sun: "10–12" };
    assert.deepEqual(await atServer(), merged);
    for (const one of [app, ahmad]) {
      await settles("both see both", async () => {
        await one.showCustomer(id);
        for (const part of ["Monday to Friday: 7–16", "Saturday: closed", "Sunday: 10–12"]) assert.ok((await one.fact("Opening hours"))?.includes(part), part);
      }, 40_000);
    }

    world.step("the same day: that one is asked about");
    clash.away();
    await writes(app, id, { Saturday: "9–12", Sunday: "" });
    await writes(ahmad, id, { Saturday: "9–15", "Monday to Friday": "8–18" });
    await until("his is at the server", async () => (await atServer())?.sat === "9–15");
    await clash.back();
    await clash.waits(1);
    await app.showCustomer(id);
    const dialog = await app.choose();
    assert.deepEqual(await dialog.locator("legend").allInnerTexts(), ["Opening hours · Saturday"]);
    const words = await dialog.locator("fieldset").innerText();
    for (const value of ["closed", "9–12", "9–15"]) assert.ok(words.includes(value), `${value} is in ${words}`);
    assert.doesNotMatch(words, /8–18|10–12|7–16/, "the other days are no question");
    await nothingFound(app.page, "the dialog");
    await app.page.screenshot({ path: `${world.folder}/one-day.png` });
    await app.decide({ "Opening hours · Saturday": "Yours" });
    await clash.settled();
    assert.deepEqual(await atServer(), { mon_fri: "8–18", sat: "9–12" }, "Sunday was cleared, and his weekdays stand");

    world.step("in Indonesian, and what is no text is refused");
    await app.speak("id");
    await app.showCustomer(id);
    await settles("by their names", async () => assert.ok((await app.fact("Jam buka"))?.includes("Senin–Jumat: 8–18")));
    const budi = await world.api("budi");
    const record = await budi.record("customers", id);
    const item = { collection: "customers", id, action: "update", base_version: record?.version, patch: { hours: "always" }, seen: { hours: record?.fields.hours }, edited_at: Date.now() };
    const { json } = await budi.pushEach([item]);
    assert.equal(json.results[0].outcome, "rejected");
    assert.equal(json.results[0].problem.field, "hours");
  },
};
