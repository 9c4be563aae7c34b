/**
 * Story 47: decisions that meet each other. Two phones of one user decide the same conflict differently, each without a
 * connection; and what was written to a customer who went to another rep and came back changed is put to its writer.
 */
import { agreed } from "../lib/agreed.mjs";
import { Clash } from "../lib/clash.mjs";
import { assert, settles, until } from "../lib/until.mjs";

/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {import("../lib/harness.mjs").Harness} Harness */

/** @param {Harness} phone */
const hear = (phone) => phone.must((sync) => sync.sync().then(() => {}));

/** @param {Harness} phone @param {string} id */
const conflictOf = (phone, id) => phone.must(async (sync, id) => (await sync.conflicts.list()).find((/** @type {any} */ each) => each.id === id) ?? null, id);

/** All devices and the server have the same, and nobody is asked. @param {Clash} clash @param {Harness[]} phones @param {string} id @param {string} contact */
async function allHave(clash, phones, id, contact) {
  await settles(`all have “${contact}”`, async () => {
    for (const phone of phones) {
      await hear(phone);
      const here = await phone.must(async (sync, id) => ({ contact: (await sync.customers.get(id)).fields.contact, pending: sync.status.pending }), id);
      assert.deepEqual(here, { contact, pending: 0 });
    }
    assert.equal((await clash.office.record("customers", id))?.fields.contact, contact);
  }, 40_000);
}

/** @param {Clash} clash @param {{ app: App, phone: Harness }[]} both @param {string} id @param {("Yours" | "Server's")[]} picks */
async function decideApart(clash, both, id, picks) {
  const { world } = clash;
  clash.away();
  for (const [n, { phone }] of both.entries()) {
    await phone.must(async (sync, { id, contact }) => {
      await sync.customers.update(await sync.customers.get(id), { contact });
    }, { id, contact: `Ponsel ${n + 1}` });
  }
  await clash.serverEdits([{ id, patch: { contact: "Kantor" } }]);
  world.proxy.clear();
  // Neither has sent anything: what the office wrote is all that they hear.
  for (const { phone } of both) {
    await until("it is a conflict here", async () => (await hear(phone), await conflictOf(phone, id)));
  }
  clash.away();
  for (const [n, { app }] of both.entries()) {
    await app.showCustomer(id);
    await app.choose();
    await app.decide({ "Contact person": picks[n] });
    await app.page.locator(".toasts").getByText("Choice saved").waitFor();
  }
  world.proxy.clear();
  // Each decision is held for as long as Undo is offered.
  for (const { phone } of both) {
    await until("the decision went, or asks", async () => {
      await hear(phone);
      return (await phone.status()).pending === 0 || (await conflictOf(phone, id));
    }, 40_000, 300);
  }
}

/** The same question in Indonesian, put off. @param {App} app @param {string} id */
async function inIndonesian(app, id) {
  await app.speak("id");
  await app.showCustomer(id);
  await app.page.locator("main .banner.ask").getByRole("button", { name: "Pilih" }).click();
  await app.dialog().waitFor();
  const words = await app.dialog().innerText();
  assert.match(words, /Anda, di ponsel lain, (baru saja|\d+ (mnt|dtk) (yang )?lalu)/);
  assert.doesNotMatch(words, /phone|You/, "and nothing of it is English");
  await app.page.keyboard.press("Escape");
  await app.dialog().waitFor({ state: "hidden" });
  await app.speak("en");
  await app.showCustomer(id);
}

/** @param {Clash} clash @param {{ app: App, phone: Harness }[]} both */
async function differently(clash, both) {
  const { world } = clash;
  const [first, second] = both;
  const phones = both.map(({ phone }) => phone);
  const [asked, quiet] = await clash.shared([{ name: "PT Dua Ponsel", contact: "A" }, { name: "PT Satu Suara", contact: "A" }]);
  await hear(second.phone);

  world.step("both keep their own: the second decision is a question again, about my other phone");
  await decideApart(clash, both, asked, ["Yours", "Yours"]);
  assert.equal((await clash.office.record("customers", asked))?.fields.contact, "Ponsel 1");
  await second.app.showCustomer(asked);
  await second.app.page.locator("main .banner.ask").waitFor();
  await inIndonesian(second.app, asked);
  const dialog = await second.app.choose();
  const words = await dialog.innerText();
  assert.match(words, /You, on another phone/);
  assert.match(words, /Ponsel 2[\s\S]*Ponsel 1/, "what was decided here is still there");
  await second.app.decide({ "Contact person": "Server's" });
  await allHave(clash, phones, asked, "Ponsel 1");

  world.step("one keeps its own, the other takes the office's: that wrote nothing, and nothing is asked");
  await decideApart(clash, both, quiet, ["Yours", "Server's"]);
  assert.equal(await conflictOf(second.phone, quiet), null);
  await allHave(clash, phones, quiet, "Ponsel 1");
  assert.ok(first.app.page.url().includes(quiet));
}

/** @param {Clash} clash @param {App} app @param {App} other @param {"Yours" | "Server's"} choice */
async function thereAndBack(clash, app, other, choice) {
  const { world } = clash;
  world.step("taken away under unsent work, it is kept and nobody is asked");
  const sari = await world.api("sari");
  const name = `PT Pulang Pergi ${choice === "Yours" ? "Milikku" : "Server"}`;
  const [id] = await clash.shared([{ name, contact: "A" }]);
  clash.away();
  await clash.edit(id, { contact: "Punya Budi" });
  await clash.serverEdits([{ id, patch: { owner: sari.user?.id } }]);
  await clash.back();
  await until("it is known", async () => (await hear(clash.phone), (await clash.phone.status()).failed === 1), 30_000, 300);
  assert.equal(await conflictOf(clash.phone, id), null, "there is nothing to decide about what one may not see");
  await app.showCustomer(id);
  await app.shows("Contact person", "Punya Budi");

  world.step(`granted again, and changed meanwhile, it is put to its writer: ${choice}`);
  await clash.serverEdits([{ id, patch: { contact: "Punya Sari" } }], sari);
  await clash.serverEdits([{ id, patch: { owner: clash.user } }]);
  await until("it asks", async () => (await hear(clash.phone), await conflictOf(clash.phone, id)), 30_000, 300);
  const dialog = await app.choose();
  assert.match(await dialog.locator("label.card").filter({ hasText: "Server's" }).innerText(), /Sari Wulandari[\s\S]*Punya Sari/);
  await app.decide({ "Contact person": choice });
  await clash.settled();
  const contact = choice === "Yours" ? "Punya Budi" : "Punya Sari";
  await agreed(world, other, id, name, { contact });
  await app.shows("Contact person", contact);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "two phones of one user decide differently, and a customer goes and comes back changed: nothing is decided in silence",
  limitMs: 300_000,
  async run(world) {
    const [one, two] = [await world.device("one"), await world.device("two", { width: 360, height: 740 })];
    const app = await world.signedIn(one, "budi");
    const clash = await Clash.on(world, one);
    const other = await world.signedIn(two, "budi");
    const tablet = await world.harness(two, "budi");
    await (await two.page()).bringToFront();
    await tablet.synced(60_000);
    await differently(clash, [{ app, phone: clash.phone }, { app: other, phone: tablet }]);
    await two.close();
    const office = await world.signedIn(await world.device("office", { width: 1280, height: 800, phone: false }), "ahmad");
    await thereAndBack(clash, app, office, "Yours");
    await thereAndBack(clash, app, office, "Server's");
  },
};
