/**
 * Story 46: what a phone cannot know without a connection. A code that somebody else took meanwhile, and a visit to a customer who is
 * gone, are kept with their field and mended; a number in the server's spelling is no conflict with oneself; and who decides
 * while theirs moves on looks once more. Asked before, the server says what would become of each. What comes of it is looked at
 * on a manager's own profile, too.
 */
import { agreed } from "../lib/agreed.mjs";
import { uuid7 } from "../lib/api.mjs";
import { Clash } from "../lib/clash.mjs";
import { nothingFound } from "../lib/axe.mjs";
import { assert, until } from "../lib/until.mjs";

/** @typedef {import("../lib/app.mjs").App} App */

/** @param {App} app */
const banner = (app) => app.page.locator("main .banner.bad");

/** @param {Clash} clash @param {number} failed */
const failing = (clash, failed) =>
  until(`${failed} could not be sent`, async () => {
    await clash.phone.must((sync) => sync.sync().then(() => {}));
    return (await clash.phone.status()).failed === failed;
  }, 30_000, 300);

/** Made in the app without a connection, under a code that the office gave away meanwhile. @param {Clash} clash @param {App} app @param {App} other */
async function takenCode(clash, app, other) {
  const { world, office } = clash;
  world.step("a code that is taken is a dead letter with its field");
  clash.away();
  const id = await app.createCustomer({ name: "PT Kode Sama", code: "jkt-9001", phone: "0812 9001 9001" });
  const theirs = { name: "PT Kode Duluan", code: "JKT-9001", owner: clash.user };
  const { result } = await office.push([{ collection: "customers", id: uuid7(), action: "create", base_version: 0, patch: theirs, seen: {}, edited_at: Date.now() }]);
  assert.equal(result.outcome, "applied");
  await clash.back();
  await failing(clash, 1);
  await banner(app).getByText("This value is already used by another record. Field: Code").waitFor();
  assert.equal((await app.page.locator("main .card-head record-badge .badge").innerText()).trim(), "Not sent");
  assert.equal((await office.customersNamed("PT Kode Sama")).length, 0, "nothing of it is there");

  world.step("mended in its form, it is sent with all that was written");
  await banner(app).getByRole("link", { name: "Fix and resend" }).click();
  await until("the form is at the field", () => app.page.evaluate(() => document.activeElement?.id === "field-code"));
  assert.equal(await app.page.locator("#field-phone").inputValue(), "0812 9001 9001", "nothing that was typed is lost");
  await app.fill({ code: "JKT-9002" });
  await app.save();
  await clash.settled();
  const sent = await office.record("customers", id);
  assert.deepEqual([sent?.fields.code, sent?.fields.phone, sent?.version], ["JKT-9002", "+6281290019001", 1]);
  await until("it says so no more", async () => (await banner(app).count()) === 0);
  await agreed(world, other, id, "PT Kode Sama", { code: "JKT-9002", phone: "+6281290019001" });
}

/** A visit that was logged while the office deleted the customer. @param {Clash} clash @param {App} app @param {App} manager */
async function goneTarget(clash, app, manager) {
  const { world, office } = clash;
  world.step("a visit to who is gone is kept with its field");
  const [gone, other] = await clash.shared([{ name: "PT Sudah Hilang" }, { name: "PT Masih Ada" }]);
  clash.away();
  const visit = await clash.phone.must((sync, customer) => sync.activities.create({ customer, kind: "visit", subject: "Catatan berharga", at: Date.now() }).then((/** @type {any} */ made) => made.id), gone);
  await clash.serverEdits([{ id: gone, patch: null }]);
  await clash.back();
  await failing(clash, 1);
  await app.go("Sync");
  const entry = app.page.locator("sync-centre #failed li.row").filter({ hasText: "Catatan berharga" });
  await entry.getByText("Field: Customer").waitFor();
  assert.equal(await office.record("customers", gone), undefined, "naming it did not bring it back");

  world.step("with another customer it is sent");
  await clash.phone.must(async (sync, { visit, other }) => {
    await sync.activities.update(await sync.activities.get(visit), { customer: other });
  }, { visit, other });
  await clash.settled();
  const sent = await office.record("activities", visit);
  assert.deepEqual([sent?.fields.customer, sent?.fields.subject], [other, "Catatan berharga"]);
  await until("the list is empty", async () => (await entry.count()) === 0);
  await agreed(world, manager, gone, "PT Sudah Hilang", null);
  await manager.showCustomer(other);
  await manager.page.locator("main").getByText("Catatan berharga").waitFor();
}

/** A form that was opened on what was typed, and saved over what the server made of that. @param {Clash} clash @param {App} app @param {App} other */
async function ownSpelling(clash, app, other) {
  const { world, office } = clash;
  world.step("the server's spelling of my number is no conflict with me");
  const [id] = await clash.shared([{ name: "PT Ejaan", phone: "0812 0000 0001" }]);
  clash.away();
  await app.showCustomer(id);
  await app.openForm();
  await app.fill({ phone: "0812-0000-0002" });
  await app.save();
  await app.shows("Phone", "0812-0000-0002");
  await app.openForm();
  assert.equal(await app.page.locator("#field-phone").inputValue(), "0812-0000-0002");
  await clash.back();
  await clash.settled();
  assert.equal((await office.record("customers", id))?.fields.phone, "+6281200000002");
  await app.fill({ phone: "0812 0000 0003" });
  await app.save();
  await app.shows("Phone", "+6281200000003");
  await clash.settled();
  assert.equal((await office.record("customers", id))?.fields.phone, "+6281200000003");
  assert.equal((await clash.phone.must((sync) => sync.conflicts.list())).length, 0);
  assert.equal(await app.page.locator("main .banner.ask").count(), 0);
  const { merged } = await clash.phone.must(async (sync, id) => ({ merged: (await sync.customers.get(id)).merged ?? false }), id);
  assert.equal(merged, false, "and no rule set anything aside");
  await agreed(world, other, id, "PT Ejaan", { phone: "+6281200000003" });
}

/** @param {Clash} clash @param {App} app @param {App} other @param {"Yours" | "Server's"} choice */
async function movedMeanwhile(clash, app, other, choice) {
  const { world, office } = clash;
  world.step(`theirs moves while the dialog is open: it asks once more, with the new one; then: ${choice}`);
  const name = `PT Bergerak ${choice === "Yours" ? "Milikku" : "Server"}`;
  const [id] = await clash.shared([{ name, contact: "A" }]);
  await clash.both(id, { contact: "Budi" }, { contact: "Ahmad" });
  await clash.waits(1);
  await app.showCustomer(id);
  const dialog = await app.choose();
  assert.match(await dialog.innerText(), /Ahmad/);
  await clash.serverEdits([{ id, patch: { contact: "Sari" } }]);
  await clash.back();
  assert.equal((await office.record("customers", id))?.fields.contact, "Sari");
  await dialog.locator("input[value=mine]").check();
  await dialog.getByRole("button", { name: "Save choice" }).click();
  await dialog.getByRole("alert").getByText("It was changed again meanwhile: please look once more.").waitFor();
  assert.equal(await dialog.locator("input:checked").count(), 0, "what was chosen was chosen against another");
  assert.match(await dialog.locator("label.card").filter({ hasText: "Server's" }).innerText(), /Sari/);
  assert.equal((await office.record("customers", id))?.fields.contact, "Sari", "nothing was decided unseen");
  await app.decide({ "Contact person": choice });
  await clash.settled();
  const contact = choice === "Yours" ? "Budi" : "Sari";
  await agreed(world, other, id, name, { contact });
  await app.shows("Contact person", contact);
}

const PREVIEW = {
  en: {
    button: "Preview",
    title: "What would happen now",
    rows: { "PT Pratinjau Baik": "would be accepted", "PT Pratinjau Bentrok": "would need your choice", "PT Pratinjau Kode": "would be refused – This value is already used by another record. Field: Code" },
    failed: "The server could not be asked.",
  },
  id: {
    button: "Pratinjau",
    title: "Yang akan terjadi sekarang",
    rows: { "PT Pratinjau Baik": "akan diterima", "PT Pratinjau Bentrok": "perlu Anda pilih", "PT Pratinjau Kode": "akan ditolak – Nilai ini sudah dipakai data lain. Isian: Kode" },
    failed: "Server tidak dapat ditanya.",
  },
};

/** Asks, and looks at the answer: each record with what would become of it. @param {Clash} clash @param {App} app @param {"en" | "id"} language */
async function asksAhead(clash, app, language) {
  const { button, title, rows, failed } = PREVIEW[language];
  const centre = app.page.locator("sync-centre #preview");
  await app.speak(language);
  await app.load("/sync");
  clash.world.proxy.clear();
  clash.world.proxy.rule({ path: /\/sync\/v1\/(push|changes|snapshot)/, user: clash.user, fault: "refuse" });
  await app.page.locator("sync-centre").getByRole("button", { name: button, exact: true }).click();
  const answer = centre.locator(".preview[role=status]");
  await centre.getByRole("heading", { name: title, level: 2 }).waitFor();
  const told = await answer.locator("li.row").evaluateAll((found) => found.map((row) => [...row.children].map((part) => part.textContent ?? "")));
  assert.deepEqual(Object.fromEntries(told), rows);
  await nothingFound(app.page, "the preview");
  await app.page.screenshot({ path: `${clash.world.folder}/preview-${language}.png`, fullPage: true });

  clash.away();
  await app.page.locator("sync-centre").getByRole("button", { name: button, exact: true }).click();
  await centre.locator("p.note[role=status]").getByText(failed).waitFor();
  assert.equal(await answer.count(), 0, "an answer of before is none of now");
}

/** What would become of what waits, asked before it is sent: nothing is done by it, and it is as it comes. @param {Clash} clash @param {App} app */
async function preview(clash, app) {
  const { world, office } = clash;
  world.step("the preview says of each what would become of it");
  const [clashing] = await clash.shared([{ name: "PT Pratinjau Bentrok", contact: "A" }]);
  clash.away();
  await clash.edit(clashing, { contact: "Budi" });
  await clash.phone.must((sync) => sync.customers.create({ name: "PT Pratinjau Baik" }).then(() => {}));
  await clash.phone.must((sync) => sync.customers.create({ name: "PT Pratinjau Kode", code: "JKT-9001" }).then(() => {}));
  await clash.serverEdits([{ id: clashing, patch: { contact: "Ahmad" } }]);
  await asksAhead(clash, app, "id");
  await asksAhead(clash, app, "en");
  const { pending, failed, conflicts } = await clash.phone.status();
  assert.deepEqual([pending, failed, conflicts], [3, 0, 0], "asking did nothing here");
  for (const name of ["PT Pratinjau Baik", "PT Pratinjau Kode"]) assert.equal((await office.customersNamed(name)).length, 0, "nor at the server");

  world.step("and so it comes");
  await clash.back();
  await failing(clash, 1);
  await clash.waits(1);
  assert.equal((await office.customersNamed("PT Pratinjau Baik")).length, 1);
  await clash.phone.must(async (sync) => {
    await sync.conflicts.resolveAll(await sync.conflicts.list(), "theirs");
    await sync.outbox.discardAll();
  });
  await clash.settled();
  await until("with nothing unsent there is nothing to ask", async () => (await app.page.locator("sync-centre").getByRole("button", { name: "Preview", exact: true }).count()) === 0);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a preview, a code that is taken, a target that is gone, the server's spelling and a theirs that moves: kept, mended, and nothing in silence",
  limitMs: 300_000,
  async run(world) {
    const device = await world.device("phone");
    const app = await world.signedIn(device, "budi");
    const clash = await Clash.on(world, device);
    const other = await world.signedIn(await world.device("office", { width: 1280, height: 800, phone: false }), "ahmad");
    await takenCode(clash, app, other);
    await goneTarget(clash, app, other);
    await ownSpelling(clash, app, other);
    await movedMeanwhile(clash, app, other, "Yours");
    await movedMeanwhile(clash, app, other, "Server's");
    await preview(clash, app);
  },
};
