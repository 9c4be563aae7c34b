/**
 * Story 40: every kind of conflict, with two real profiles and the real server, each choice looked at on both sides. The
 * phone decides without a connection, and what it decided is sent later.
 */
import { Clash } from "../lib/clash.mjs";
import { uuid7 } from "../lib/api.mjs";
import { agreed } from "../lib/agreed.mjs";
import { assert, settles, until } from "../lib/until.mjs";

/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {{ name: string, start: Record<string, any>, mine: Record<string, any> | null, theirs: Record<string, any> | null, pick(app: App): Promise<void>, end: Record<string, any> | null, title: RegExp }} Case */

const choose = (/** @type {string} */ value) => (/** @type {App} */ app) => app.dialog().locator(`input[value=${value}]`).first().check();
const title = /was changed in two places$/;
const byThem = /was deleted, and you had changed it$/;
const byMe = /^You deleted .*, and it was changed$/;

/** @type {Case[]} */
const CASES = [
  { name: "Milikku Sentosa", start: { contact: "A" }, mine: { contact: "Budi" }, theirs: { contact: "Ahmad" }, pick: choose("mine"), end: { contact: "Budi" }, title },
  { name: "Serverindo Jaya", start: { contact: "A" }, mine: { contact: "Budi" }, theirs: { contact: "Ahmad" }, pick: choose("theirs"), end: { contact: "Ahmad" }, title },
  {
    name: "Nilailain Abadi", start: { phone: "+62 21 5555" }, mine: { phone: "+62 21 5551" }, theirs: { phone: "+62 21 5552" }, title, end: { phone: "+62215553" },
    async pick(app) {
      await choose("other")(app);
      await app.dialog().getByLabel("Another value for Phone").fill("nope");
      await app.dialog().getByRole("button", { name: "Save choice" }).click();
      await app.dialog().getByText("This does not look right.").waitFor();
      assert.equal(await app.dialog().getByLabel("Another value for Phone").getAttribute("aria-invalid"), "true");
      await app.dialog().getByLabel("Another value for Phone").fill("+62 21 5553");
    },
  },
  { name: "Catatan Makmur", start: { notes: "Buka pagi." }, mine: { notes: "Buka pagi, tutup jam 5." }, theirs: { notes: "Buka siang." }, pick: choose("both"), end: { notes: "Buka siang.\nBuka pagi, tutup jam 5." }, title },
  { name: "Pulihkan Utama", start: { contact: "A", email: "a@b.co" }, mine: { contact: "Budi" }, theirs: null, pick: choose("mine"), end: { contact: "Budi", email: "a@b.co" }, title: byThem },
  { name: "Terima Hapus", start: { contact: "A" }, mine: { contact: "Budi" }, theirs: null, pick: choose("theirs"), end: null, title: byThem },
  { name: "Tetaphapus Raya", start: { contact: "A" }, mine: null, theirs: { contact: "Ahmad" }, pick: choose("mine"), end: null, title: byMe },
  { name: "Simpanlah Terus", start: { contact: "A" }, mine: null, theirs: { contact: "Ahmad" }, pick: choose("theirs"), end: { contact: "Ahmad" }, title: byMe },
];

/** One that kept mine, and one that took theirs. */
const UNDONE = ["Milikku Sentosa", "Serverindo Jaya"];

/** The choice is taken back: it asks again, as if nothing had been chosen, and mine is still on the screen. @param {App} app @param {Clash} clash @param {string} id @param {number} open How many asked before it was decided. */
async function takenBack(app, clash, id, open) {
  await app.page.locator(".toasts").getByRole("button", { name: "Undo" }).click();
  await app.page.locator(".toasts").getByText("Undone").waitFor();
  await clash.waits(open);
  await app.shows("Contact person", "Budi");
  const dialog = await app.choose();
  assert.match(await dialog.innerText(), /Budi[\s\S]*Ahmad/, "both are there again");
  assert.equal(await dialog.locator("input:checked").count(), 0, "and nothing is chosen");
}

/** Whether the page's database refuses whatever would write. @param {App} app @param {boolean} fails */
async function failsToWrite(app, fails) {
  await app.page.evaluate((fails) => {
    const kept = /** @type {any} */ (globalThis);
    kept.opened ??= IDBDatabase.prototype.transaction;
    /** @this {IDBDatabase} @param {any} stores @param {any} mode @param {any} options */
    const refuses = function (stores, mode, options) {
      if (mode === "readwrite") throw new DOMException("no writing now", "UnknownError");
      return kept.opened.call(this, stores, mode, options);
    };
    IDBDatabase.prototype.transaction = fails ? refuses : kept.opened;
  }, fails);
}

/** A choice that cannot be saved stays in its dialog; putting it off and deleting say that they failed; and then it is saved. @param {import("../lib/world.mjs").World} world @param {App} app */
async function savedAtTheSecondTry(world, app) {
  const dialog = await app.choose();
  const two = dialog.getByLabel("These are two different records");
  await two.check();
  assert.equal(await dialog.locator("fieldset:visible").count(), 0, "of two records no field is asked");
  world.step("a choice that cannot be saved stays in its dialog");
  await failsToWrite(app, true);
  await dialog.getByRole("button", { name: "Save choice" }).click();
  await dialog.getByText("Not saved. What you chose is still here").waitFor();
  assert.ok(await two.isChecked());
  await dialog.getByRole("button", { name: "Decide later" }).click();
  await app.page.locator(".toasts").getByText("That did not work. Please try again.").waitFor();
  await app.page.locator(".toasts").evaluate((toasts) => toasts.replaceChildren());
  await app.page.getByRole("button", { name: "Delete" }).click();
  await app.page.locator(".toasts").getByText("That did not work. Please try again.").waitFor();
  assert.ok(await app.page.getByRole("button", { name: "Delete" }).isVisible(), "it is still its page");
  await failsToWrite(app, false);
  await app.choose();
  await two.check();
  await app.saveChoice();
  await app.page.locator(".toasts").getByText("Choice saved").waitFor();
}

/** A create of what the server has already: another phone of mine was faster. @param {Clash} clash @param {string} name */
async function madeTwice(clash, name) {
  const id = uuid7();
  clash.away();
  await clash.phone.must((sync, { id, name }) => sync.customers.create({ name, phone: "+62 21 111", contact: "Sama" }, { id }).then(() => {}), { id, name });
  const mine = await clash.world.api("budi");
  const fields = { name, phone: "+62 21 222", contact: "Sama" };
  const { result } = await mine.push([{ collection: "customers", id, action: "create", base_version: 0, patch: fields, seen: {}, edited_at: Date.now() }]);
  assert.equal(result.outcome, "applied");
  await clash.back();
  return id;
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "each kind of conflict asks in its own words, is decided without a connection, and both sides have what was chosen",
  limitMs: 400_000,
  async run(world) {
    const device = await world.device("phone");
    const app = await world.signedIn(device, "budi");
    const other = await world.signedIn(await world.device("office", { width: 1280, height: 800, phone: false }), "ahmad");
    const clash = await Clash.on(world, device);

    world.step("eight conflicts, and one record made twice");
    const ids = await clash.shared(CASES.map(({ name, start }) => ({ name, ...start })));
    clash.away();
    for (const [n, { mine }] of CASES.entries()) await clash.edit(ids[n], mine);
    await clash.serverEdits(CASES.map(({ theirs }, n) => ({ id: ids[n], patch: theirs })));
    await clash.back();
    const twin = await madeTwice(clash, "PT Kembar");
    const pair = await madeTwice(clash, "PT Dua");
    await clash.waits(CASES.length + 2);

    world.step("decided without a connection");
    clash.away();
    for (const [n, { name, pick, title }] of CASES.entries()) {
      await app.load(`/customers/${ids[n]}`);
      const dialog = await app.choose();
      assert.match(await dialog.getByRole("heading", { level: 2 }).innerText(), title, name);
      assert.equal(await dialog.locator("input:checked").count(), 0, "nothing is chosen beforehand");
      const words = await dialog.innerText();
      assert.match(words, /this phone/, `${name} says where mine was written`);
      assert.match(words, /Ahmad Hidayat \(Manager\), (just now|\d+ (min|sec)\.? ago)/, `${name} says who and when: ${words}`);
      await pick(app);
      await app.saveChoice();
      await app.page.locator(".toasts").getByText("Choice saved").waitFor();
      if (!UNDONE.includes(name)) continue;
      world.step(`the choice of ${name} is taken back, and made again`);
      await takenBack(app, clash, ids[n], CASES.length + 2 - n);
      await pick(app);
      await app.saveChoice();
      await app.page.locator(".toasts").getByText("Choice saved").waitFor();
    }
    await app.load(`/customers/${twin}`);
    const dialog = await app.choose();
    assert.equal(await dialog.getByRole("heading", { level: 2 }).innerText(), "PT Kembar was created in two places");
    assert.match(await dialog.innerText(), /You created it on this phone and on another one\. .*You, on another phone/s);
    assert.equal(await dialog.locator("fieldset").count(), 1, "what is the same is not asked");
    assert.doesNotMatch(await dialog.innerText(), /Before/, "there was nothing before");
    await app.decide({ Phone: "Yours" });
    await app.load(`/customers/${pair}`);
    await savedAtTheSecondTry(world, app);
    await clash.waits(0);
    const open = (await clash.phone.status()).pending;
    assert.ok(open > 0, "and nothing was sent yet");

    world.step("sent later, and looked at on both sides");
    await clash.back();
    await clash.settled();
    await other.go("Today");
    await other.pressBar();
    await other.upToDate();
    await settles("the other profile has pulled", async () => {
      await other.showCustomer(twin);
      await other.shows("Phone", "+6221111", 1000);
    });
    for (const [n, { name, end }] of CASES.entries()) await agreed(world, other, ids[n], name, end);
    await agreed(world, other, twin, "PT Kembar", { phone: "+6221111", contact: "Sama" });
    const two = await (await world.api("budi")).customersNamed("PT Dua");
    assert.deepEqual(two.map(({ fields }) => fields.phone).sort(), ["+6221111", "+6221222"], "both are there, each with its own");
    await until("the phone is up to date", async () => (await clash.phone.status()).state === "synced");
  },
};
