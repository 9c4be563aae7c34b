/** Story 61: reports say how old they are, offline too; company settings are the manager's. */
import { Clash } from "../lib/clash.mjs";
import { assert, settles, until } from "../lib/until.mjs";

/** @typedef {import("../lib/world.mjs").World} World */

/** @param {import("../lib/app.mjs").App} app @param {string} name */
const report = (app, name) => app.page.locator(`section[aria-labelledby=report-${name}]`);

/** Syncs until now: feeds that were read to their end, by any device. @param {import("../lib/world.mjs").World} world */
const syncs = (world) => world.proxy.requests(/\/sync\/v1\/changes/).filter(({ status, answer }) => status === 200 && answer?.has_more === false).length;

/** What the manager reads: how many per 1,000 syncs, and of how many. @param {import("../lib/app.mjs").App} ahmad */
async function mergesShown(ahmad) {
  await ahmad.load("/settings");
  const card = ahmad.page.locator("section[aria-labelledby=merges]");
  await card.getByText("Merged automatically, per 1,000 syncs").waitFor();
  const [merged, put] = await card.locator("dd").allInnerTexts();
  const [, n] = /in ([\d,]+) syncs/.exec(await card.innerText()) ?? [];
  return { merged, put, of: Number(n?.replaceAll(",", "")) };
}

/** Records that merge by themselves and records that ask, a known number of each. @param {World} world @param {import("../lib/app.mjs").App} ahmad @param {import("../lib/browser.mjs").Device} phone */
async function mergesCounted(world, ahmad, phone) {
  const clash = await Clash.on(world, phone);
  const ids = await clash.shared([0, 1, 2, 3, 4, 5, 6].map((n) => ({ name: `PT Hitung ${n}`, contact: "A", address: "Jl. A" })));
  await clash.both(ids[0], { contact: "Budi" }, { address: "Jl. Ahmad" });
  await clash.both(ids[1], { address: "Jl. Budi" }, { contact: "Ahmad" });
  await clash.settled();
  await clash.both(ids[2], { contact: "Budi" }, { contact: "Ahmad" });
  await clash.waits(1);
  // What the phone finds itself: under a form that was open while theirs came, and under what is held for Undo. Two of another
  // field, which merge before they are sent, and two of the same one, which ask.
  const [forms, held] = [[ids[3], ids[5]], [ids[4], ids[6]]];
  const open = await clash.phone.must((sync, forms) => Promise.all(forms.map((id) => sync.customers.get(id))), forms);
  await clash.serverEdits([3, 4].map((n) => ({ id: ids[n], patch: { contact: "Ahmad" } })));
  await clash.serverEdits([5, 6].map((n) => ({ id: ids[n], patch: { address: "Jl. Ahmad" } })));
  await clash.phone.must(async (sync, held) => {
    for (const id of held) await sync.customers.update(await sync.customers.get(id), { contact: "Budi" }, { holdMs: 6_000 });
    await sync.sync();
  }, held);
  await clash.phone.must(async (sync, open) => {
    for (const form of open) await sync.customers.update(form, { contact: "Budi" });
    await sync.sync();
  }, open);
  await clash.waits(3);
  await clash.back();
  await settles("the report counts them", async () => {
    const before = syncs(world);
    const { merged, put, of } = await mergesShown(ahmad);
    assert.ok(of >= before && of <= syncs(world), `of as many syncs as there were: ${before} ≤ ${of} ≤ ${syncs(world)}`);
    const per = (/** @type {number} */ count) => (Math.round((count * 10_000) / of) / 10).toLocaleString("en");
    assert.deepEqual([merged, put], [per(4), per(3)], `of ${of} syncs`);
    assert.notEqual(merged, put);
  }, 60_000);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a report is shown with its age when nobody answers, and company settings are the manager's",
  async run(world) {
    const ahmad = await world.signedIn(await world.device("desk"), "ahmad");
    world.step("reports, new");
    await ahmad.page.getByRole("link", { name: "Reports" }).click();
    for (const name of ["pipeline", "visits"]) await report(ahmad, name).getByText(/^As of \d\d:\d\d$/).waitFor();
    const rows = await report(ahmad, "pipeline").locator("tbody tr").allInnerTexts();
    assert.equal(rows.length, 6, "a row a stage");
    assert.equal(await report(ahmad, "visits").locator("tbody tr").count(), 2, "a row a rep");

    world.step("offline, the same with their age");
    await world.proxy.unplug();
    await ahmad.load("/");
    await ahmad.page.getByRole("link", { name: "Reports" }).click();
    for (const name of ["pipeline", "visits"]) {
      await report(ahmad, name).getByText(/^Data of \d\d:\d\d, \d+ min old$/).waitFor();
    }
    assert.deepEqual(await report(ahmad, "pipeline").locator("tbody tr").allInnerTexts(), rows);

    world.step("and after a month that it is too old");
    await ahmad.page.evaluate((ms) => {
      const now = Date.now;
      Date.now = () => now() + ms;
    }, 31 * 86_400_000);
    await ahmad.go("Today");
    await ahmad.page.getByRole("link", { name: "Reports" }).click();
    for (const name of ["pipeline", "visits"]) {
      await report(ahmad, name).getByText("The data kept here is more than 30 days old. Needs an internet connection").waitFor();
      assert.equal(await report(ahmad, name).locator("table").count(), 0);
    }
    await ahmad.load("/");

    world.step("settings need a connection, and are the manager's");
    await ahmad.go("Settings");
    const save = ahmad.page.getByRole("button", { name: "Save", exact: true });
    await until("the form is disabled", () => save.isDisabled());
    assert.ok(await ahmad.page.locator("#company-why").isVisible());
    await world.proxy.replug();
    await ahmad.upToDate(60_000);
    await until("the form is usable", async () => !(await save.isDisabled()));
    await ahmad.page.locator("#company").fill("PT Kopi Bersama");
    await save.click();
    await ahmad.page.locator(".toasts").filter({ hasText: "Saved for everybody" }).waitFor();
    const [{ fields }] = await (await world.api("ahmad")).records("settings");
    assert.equal(fields.company, "PT Kopi Bersama");
    await ahmad.page.getByText("Merged automatically, per 1,000 syncs").waitFor();
    const phone = await world.device("phone", { width: 360 });
    const budi = await world.signedIn(phone, "budi");
    await budi.go("Settings");
    await budi.page.getByText("PT Kopi Bersama").waitFor();
    assert.equal(await budi.page.locator("#company").count(), 0);

    world.step("what merged by itself and what asked is counted per 1,000 syncs");
    await mergesCounted(world, ahmad, phone);

    world.step("signed out, nothing of them is kept");
    await ahmad.page.getByRole("button", { name: "Sign out" }).click();
    await ahmad.page.getByLabel("User name").waitFor();
    await ahmad.signIn("ahmad");
    await world.proxy.unplug();
    await ahmad.page.getByRole("link", { name: "Reports" }).click();
    await report(ahmad, "pipeline").getByText("Needs an internet connection").waitFor();
    assert.equal(await report(ahmad, "pipeline").locator("table").count(), 0);
  },
};
