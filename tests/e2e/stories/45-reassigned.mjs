/**
 * Story 45: the manager, on a screen of his own, gives customers to another rep while this one has unsent work on them. It is one
 * entry of what could not be sent, by its cause; it is kept, exported, discarded and brought back as one, and goes when they come back.
 */
import { readFile } from "node:fs/promises";
import { agreed } from "../lib/agreed.mjs";
import { nothingFound } from "../lib/axe.mjs";
import { Clash } from "../lib/clash.mjs";
import { assert, until } from "../lib/until.mjs";

const CUSTOMERS = 5;
const TAKEN = 4;
const MARKUP = "<img src=x onerror=alert(1)>";

/** @typedef {import("../lib/app.mjs").App} App */

/** The manager chooses them in his list, and gives them away together. @param {App} ahmad @param {string} rep */
async function reassigns(ahmad, rep) {
  const { page } = ahmad;
  await ahmad.load("/customers");
  await ahmad.upToDate();
  await ahmad.found("Alih");
  await page.getByRole("button", { name: "Choose several" }).click();
  for (let n = 0; n < TAKEN; n += 1) await page.locator("main label.row").filter({ hasText: `Alih ${n}` }).locator("input").check();
  await page.locator("#assign-many").selectOption({ label: rep });
  await page.getByRole("button", { name: `Reassign ${TAKEN} customers` }).click();
  await page.locator(".toasts").getByText(`${TAKEN} customers reassigned`).waitFor();
}

/** A discard first says which values would go, in both languages, and what nobody may change is not offered to be fixed. @param {App} app @param {import("playwright-core").Locator} group */
async function shownBeforeItGoes(app, group) {
  assert.equal(await group.getByRole("button", { name: "Fix and resend" }).count(), 0, "nothing of it may be changed here");
  assert.ok(await group.getByRole("button", { name: "Export this one" }).first().isVisible());
  const going = group.locator("> details.going");
  await going.locator("summary", { hasText: "Discard these 4" }).click();
  const lines = await going.locator("li").allInnerTexts();
  assert.equal(lines.length, 8 + 1, `as many as are read at once, and how many more: ${lines}`);
  assert.equal(lines[8], "and 4 more");
  const shown = lines.join("\n");
  for (const line of [/^Alih \d · Contact person: Pak Baru \d$/m, /^Alih \d · City: Kota \d$/m, /^Alih \d · Address: Jl\. Baru \d panjang .{90,110}…$/m]) assert.match(shown, line);
  assert.ok(lines.includes(`Alih 1 · Address: ${MARKUP}`), `as text: ${shown}`);
  assert.equal(await going.locator("img").count(), 0);
  const wide = await app.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `nothing is wider than the phone: ${wide}`);
  await nothingFound(app.page, "what would go");
  await app.page.locator("#language").selectOption("id");
  // The page is drawn in the other language, and folded up.
  await going.locator("summary", { hasText: "Buang 4 data ini" }).click();
  await going.getByText("Nilai ini tidak ada di tempat lain. Yang akan hilang:").waitFor();
  const words = await going.locator("li").allInnerTexts();
  assert.equal(words[8], "dan 4 lainnya");
  assert.match(words.join("\n"), /^Alih \d · Narahubung: Pak Baru \d$/m);
  await app.page.locator("#language").selectOption("en");
  await going.locator("summary", { hasText: "Discard these 4" }).click();
  await going.getByText("Nobody else has these values.").waitFor();
  await group.locator("summary", { hasText: "Show all 4 records" }).click();
  const one = group.locator("ul.rows > li").first();
  await one.locator("summary", { hasText: "Discard" }).click();
  assert.match((await one.locator("ul.going > li").allInnerTexts()).join("\n"), /^Contact person: Pak Baru \d$/m);
  assert.equal(await app.page.locator(".toasts").getByText("discarded").count(), 0, "nothing has gone yet");
  await going.getByRole("button", { name: "Yes, discard: Discard these 4" }).click();
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "customers reassigned under unsent work are one entry, with their cause, and nothing of it is lost",
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    const app = await world.signedIn(device, "budi");
    const clash = await Clash.on(world, device);
    const ahmad = await world.signedIn(await world.device("desk", { width: 1280, height: 800, phone: false }), "ahmad");
    const ids = await clash.shared(Array.from({ length: CUSTOMERS }, (_, n) => ({ name: `Alih ${n}`, contact: "Pak Lama" })));
    const taken = ids.slice(0, TAKEN);

    world.step("they go to another rep while this one writes to them");
    clash.away();
    await clash.editAll(ids.map((id, n) => ({ id, patch: { contact: `Pak Baru ${n}`, address: n === 1 ? MARKUP : `Jl. Baru ${n} ${"panjang ".repeat(20)}`, city: `Kota ${n}` } })));
    await reassigns(ahmad, "Sari Wulandari");
    await clash.back();
    await until("what was taken is known, and the rest is sent", async () => {
      await clash.phone.must((sync) => sync.sync().then(() => {}));
      const { failed, pending } = await clash.phone.status();
      return failed === 4 && pending === 4;
    }, 30_000, 300);

    world.step("one entry says who, what and when, and that nothing is lost");
    await app.go("Sync");
    const group = app.page.locator("sync-centre #failed li.group");
    assert.match(await group.locator(".cause").innerText(), /^Ahmad Hidayat \(Manager\) reassigned 4 customers at \d\d:\d\d$/);
    await group.getByText("Your changes are kept here, and are sent if they come back to you.").waitFor();
    assert.equal(await app.page.locator("sync-centre #failed > ul > li").count(), 1, "each of them is not an entry of its own");
    await group.locator("summary", { hasText: "Show all 4 records" }).click();
    assert.equal(await group.locator("ul.rows > li").count(), 4);
    assert.match(await group.locator("ul.rows > li").first().innerText(), /Changed · saved \d\d:\d\d/, "an edit, and not a new customer");
    await nothingFound(app.page, "what was taken");
    await app.page.screenshot({ path: `${world.folder}/taken.png`, fullPage: true });

    world.step("exported together");
    const download = app.page.waitForEvent("download");
    await group.getByRole("button", { name: "Export these 4" }).click();
    const { outbox } = JSON.parse(await readFile(await (await download).path(), "utf8"));
    assert.deepEqual(outbox.map((/** @type {any} */ change) => change.record).sort(), [...taken].sort());

    world.step("discarded together, and brought back");
    await shownBeforeItGoes(app, group);
    await app.page.locator(".toasts").getByText("4 discarded").waitFor();
    await until("nothing is left", async () => (await clash.phone.status()).pending === 0);
    await app.page.locator(".toasts").getByRole("button", { name: "Undo" }).click();
    await until("all of it is back", async () => (await clash.phone.status()).failed === 4);

    world.step("they come back, and what was written to them is sent");
    await reassigns(ahmad, "Budi Santoso");
    await clash.settled();
    const records = await (await world.api("budi")).records("customers");
    assert.deepEqual(
      ids.map((id) => records.find((entry) => entry.id === id)?.fields.contact),
      ids.map((_, n) => `Pak Baru ${n}`),
    );
    for (const [n, id] of ids.entries()) await agreed(world, ahmad, id, `Alih ${n}`, { contact: `Pak Baru ${n}` });
  },
};
