/**
 * Story 44: what a rule decided is said: a badge until the record is opened, a line on its page, a list in the sync centre. One
 * tap puts it back, as a new change; then the line is gone.
 */
import { Clash } from "../lib/clash.mjs";
import { nothingFound } from "../lib/axe.mjs";
import { assert, settles, sleep } from "../lib/until.mjs";

const DAY_MS = 86_400_000;

/** @typedef {import("../lib/app.mjs").App} App */

/** The badge in the list of customers. @param {App} app @param {string} name @param {string} words */
async function badge(app, name, words) {
  await app.go("Customers");
  await app.search(name);
  const row = app.page.locator("main a.row").filter({ hasText: name }).first();
  await row.waitFor();
  await settles(`the badge of ${name} is “${words}”`, async () => assert.equal((await row.locator("record-badge .badge").allInnerTexts()).join(), words), 5000);
}

/** @param {import("../lib/world.mjs").World} world @param {string} id @param {string} field */
async function atServer(world, id, field) {
  return (await (await world.api("budi")).record("customers", id))?.fields[field];
}

/** The office was later: its value stands, and mine is set aside. @param {Clash} clash @param {string} id @param {Record<string, any>} mine @param {Record<string, any>} theirs */
async function overtaken(clash, id, mine, theirs) {
  clash.away();
  await clash.edit(id, mine);
  await sleep(2_500);
  await clash.serverEdits([{ id, patch: theirs }]);
  await clash.back();
  await clash.settled();
}

/** @param {App} app @param {string} name */
const listed = (app, name) => app.page.locator("sync-centre #merged li.row").filter({ hasText: name });

/** A badge and an entry of the list, until the record's page is opened. @param {App} app @param {Clash} clash @param {string} id */
async function news(app, clash, id) {
  const { world } = clash;
  world.step("a badge");
  await badge(app, "PT Gabung", "Merged");
  assert.equal(await atServer(world, id, "segment"), "horeca");

  world.step("the sync centre lists it, and looking at the list ends no news");
  await app.go("Sync");
  const entry = listed(app, "PT Gabung");
  await entry.getByText("New").waitFor();
  assert.match((await entry.innerText()).replace(/\s+/g, " "), /Segment: from Office → to Hotel & restaurant · yours was set aside · Ahmad Hidayat \(Manager\), /);
  await nothingFound(app.page, "the list of what was merged");
  await badge(app, "PT Gabung", "Merged");

  world.step("opened: a line says it, and the badge is gone, here and in another tab");
  await app.showCustomer(id);
  const line = app.page.locator("main .banner.merged");
  await line.getByText("2 fields merged automatically").waitFor();
  assert.match(await line.innerText(), /Segment: yours was Office; Hotel & restaurant was kept \(Ahmad Hidayat \(Manager\), /);
  await nothingFound(app.page, "the line");
  await settles("it is no news any more", async () => assert.equal(await clash.phone.must(async (sync, id) => (await sync.customers.get(id)).merged ?? false, id), false));
  await badge(app, "PT Gabung", "");
  await app.load(`/customers/${id}`);
  await line.waitFor();
  await app.go("Sync");
  await entry.waitFor();
  assert.equal(await entry.getByText("New").count(), 0);
}

/** One tap on the page. @param {App} app @param {Clash} clash @param {string} id */
async function fromThePage(app, clash, id) {
  clash.world.step("one tap puts it back, as a new change");
  await app.showCustomer(id);
  const line = app.page.locator("main .banner.merged");
  await line.getByRole("button", { name: "Put back Segment: Office" }).click();
  await app.page.locator(".toasts").getByText("Put back: Segment").waitFor();
  await line.getByText("1 field merged automatically").waitFor();
  assert.ok(!(await line.innerText()).includes("Segment"), "the line of that field is gone");
  await clash.settled();
  assert.equal(await atServer(clash.world, id, "segment"), "office");
  assert.match(await app.page.locator("main .card-head").innerText(), /Office/);
}

/** One tap in the list, without a connection; taken back, and done again. @param {App} app @param {Clash} clash @param {string} id */
async function fromTheList(app, clash, id) {
  clash.world.step("and from the list, before anything was sent; with Undo");
  await overtaken(clash, id, { segment: "office" }, { segment: "horeca" });
  clash.away();
  await app.go("Sync");
  const late = listed(app, "PT Terlambat");
  await late.getByRole("button", { name: "Put back Segment: Office" }).click();
  await late.waitFor({ state: "detached" });
  await app.page.locator(".toasts").getByRole("button", { name: "Undo" }).click();
  await app.page.locator(".toasts").getByText("Undone").waitFor();
  await late.waitFor();
  await late.getByRole("button", { name: "Put back Segment: Office" }).click();
  await late.waitFor({ state: "detached" });
  await clash.back();
  await clash.settled();
  assert.equal(await atServer(clash.world, id, "segment"), "office");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "what a rule merged is a badge until it is opened, a line on the page, and one tap puts it back",
  limitMs: 300_000,
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    const app = await world.signedIn(device, "budi");
    const clash = await Clash.on(world, device);
    const [one, other] = await clash.shared([
      { name: "PT Gabung", segment: "retail" },
      { name: "PT Terlambat", segment: "retail" },
    ]);
    const now = Date.now();
    await overtaken(clash, one, { segment: "office", last_visit: now - 9 * DAY_MS }, { segment: "horeca", last_visit: now - DAY_MS });
    await news(app, clash, one);
    await fromThePage(app, clash, one);
    await fromTheList(app, clash, other);

    world.step("a device that is opened anew remembers what was looked at and what was put back");
    await device.close();
    await device.start();
    const again = await world.resumed(device, `/customers/${one}`);
    await again.page.locator("main .banner.merged").getByText("1 field merged automatically").waitFor();
    await badge(again, "PT Gabung", "");
    await badge(again, "PT Terlambat", "");
  },
};
