/** Story 61: reports say how old they are, offline too; company settings are the manager's. */
import { assert, until } from "../lib/until.mjs";

/** @param {import("../lib/app.mjs").App} app @param {string} name */
const report = (app, name) => app.page.locator(`section[aria-labelledby=report-${name}]`);

/** @type {import("../run.mjs").Story} */
export default {
  title: "a report is shown with its age when nobody answers, and company settings are the manager's",
  async run(world) {
    const ahmad = await world.signedIn(await world.device("desk"), "ahmad");
    world.step("reports, new");
    await ahmad.page.getByRole("link", { name: "Reports" }).click();
    await report(ahmad, "pipeline").getByText(/^As of \d\d:\d\d$/).waitFor();
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
    const budi = await world.signedIn(await world.device("phone", { width: 360 }), "budi");
    await budi.go("Settings");
    await budi.page.getByText("PT Kopi Bersama").waitFor();
    assert.equal(await budi.page.locator("#company").count(), 0);

    world.step("signed out, nothing of them is kept");
    await ahmad.page.getByRole("button", { name: "Sign out" }).click();
    await ahmad.signIn("ahmad");
    await world.proxy.unplug();
    await ahmad.page.getByRole("link", { name: "Reports" }).click();
    await report(ahmad, "pipeline").getByText("Needs an internet connection").waitFor();
    assert.equal(await report(ahmad, "pipeline").locator("table").count(), 0);
  },
};
