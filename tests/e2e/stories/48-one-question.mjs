/**
 * Story 48: what is one question, and what is none. Several edits of a record, made before and during its conflict, are put
 * to their writer once and go as one; and what both sides deleted is asked of nobody.
 */
import { agreed } from "../lib/agreed.mjs";
import { Clash } from "../lib/clash.mjs";
import { assert, settles, until } from "../lib/until.mjs";

/** @typedef {import("../lib/app.mjs").App} App */

/** @param {Clash} clash */
const conflicts = (clash) => clash.phone.must(async (sync) => (await sync.conflicts.list()).map((/** @type {any} */ each) => each.id));

/** @param {Clash} clash @param {string} id */
const unsentOf = (clash, id) =>
  clash.phone.must(async (sync, id) => {
    const entry = (await sync.outbox.list()).find((/** @type {any} */ each) => each.id === id);
    return entry?.changes.length ?? 0;
  }, id);

const START = { contact: "A", phone: "+62 21 7000", city: "Jakarta", email: "a@b.co" };

/** Four edits on the phone, two fields at the office, and an edit more while it asks. @param {Clash} clash @param {App} app @param {App} other @param {"Yours" | "Server's"} choice */
async function severalEdits(clash, app, other, choice) {
  const name = `PT Sering ${choice === "Yours" ? "Milikku" : "Server"}`;
  const [id] = await clash.shared([{ name, ...START }]);
  const before = (await clash.office.record("customers", id))?.version ?? 0;
  clash.away();
  for (const patch of [{ contact: "Budi 1" }, { phone: "+62 21 7001" }, { contact: "Budi 2" }, { city: "Bogor" }]) await clash.edit(id, patch);
  assert.equal(await unsentOf(clash, id), 4, "each edit is a change of its own");
  await clash.serverEdits([{ id, patch: { contact: "Ahmad", email: "x@y.co" } }]);
  await clash.back();
  assert.deepEqual(await clash.waits(1).then((found) => found.map((/** @type {any} */ each) => each.id)), [id]);

  await clash.edit(id, { notes: "Buka pagi" });
  await clash.back();
  assert.deepEqual(await conflicts(clash), [id], "an edit more is under the same question");
  assert.equal((await clash.office.record("customers", id))?.version, before + 1, "and nothing of it was sent past it");

  await app.showCustomer(id);
  const dialog = await app.choose();
  const words = await dialog.innerText();
  assert.equal(await dialog.locator("fieldset").count(), 1, `only what both wrote is asked: ${words}`);
  assert.match(words, /Budi 2/);
  assert.doesNotMatch(words, /Budi 1|7001|Bogor/, "what I wrote over myself, and what only I wrote, is no question");
  await dialog.locator("summary").click();
  assert.match(await dialog.locator("details").innerText(), /E-mail: x@y\.co · Ahmad/, "what was taken of theirs is named");
  await app.decide({ "Contact person": choice });
  await clash.settled();
  const contact = choice === "Yours" ? "Budi 2" : "Ahmad";
  const record = await clash.office.record("customers", id);
  await agreed(clash.world, other, id, name, { contact, phone: "+62217001", city: "Bogor", email: "x@y.co", notes: "Buka pagi" });
  assert.equal(record?.version, before + 2, "five edits and a decision went as one");
  await app.shows("Contact person", contact);
  assert.deepEqual(await conflicts(clash), []);
}

/** @param {Clash} clash @param {App} app @param {App} other */
async function bothDeleted(clash, app, other) {
  const [plain, edited] = await clash.shared([{ name: "PT Sama Hapus", ...START }, { name: "PT Ubah Lalu Hapus", ...START }]);
  clash.away();
  await clash.edit(plain, null);
  await clash.edit(edited, { contact: "Budi" });
  await clash.edit(edited, null);
  await clash.serverEdits([{ id: plain, patch: null }, { id: edited, patch: null }]);
  const { sent } = await clash.phone.must(async (sync) => ({ sent: sync.status.pending }));
  assert.equal(sent, 2, "two records wait");
  await clash.back();
  await clash.settled();
  assert.deepEqual(await conflicts(clash), [], "nobody is asked");
  assert.equal((await clash.phone.status()).failed, 0, "and nothing is called a failure");
  for (const id of [plain, edited]) await agreed(clash.world, other, id, id === plain ? "PT Sama Hapus" : "PT Ubah Lalu Hapus", null);
  await app.go("Customers");
  for (const name of ["PT Sama Hapus", "PT Ubah Lalu Hapus"]) await settles(`${name} is gone`, async () => assert.equal(await app.found(name), 0));
  await until("the bar is quiet", async () => (await app.state()) === "synced");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "several edits under one conflict are one question and go as one, and what both deleted is nobody's",
  limitMs: 200_000,
  async run(world) {
    const device = await world.device("phone");
    const app = await world.signedIn(device, "budi");
    const clash = await Clash.on(world, device);
    const other = await world.signedIn(await world.device("office", { width: 1280, height: 800, phone: false }), "ahmad");
    world.step("several edits: mine is kept");
    await severalEdits(clash, app, other, "Yours");
    world.step("several edits: theirs is kept, and the rest of mine");
    await severalEdits(clash, app, other, "Server's");
    world.step("both deleted");
    await bothDeleted(clash, app, other);
  },
};
