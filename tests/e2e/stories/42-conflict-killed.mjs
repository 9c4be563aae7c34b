/**
 * Story 42: the browser is killed in the middle of deciding: with the dialog open and choices made, right after Save choice was
 * pressed, and while the library decides one after the other. A conflict is decided whole or still asks; nothing is lost or sent
 * twice.
 */
import { agreed } from "../lib/agreed.mjs";
import { Clash } from "../lib/clash.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const KILLS = 8;
const RECORDS = 12;
const MOMENT_MS_MAX = 120;
/** After Save choice was pressed: before, in and after the transaction, whatever the machine. The last one waits for the word. */
const PRESSED_MS = [0, 4, 12, 30, Infinity];

/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {import("../lib/browser.mjs").Device} Device */
/** @typedef {import("../lib/world.mjs").World} World */

const MINE = { contact: "Budi", address: "Jl. Budi" };
const THEIRS = { contact: "Ahmad", address: "Jl. Ahmad" };
/** One each way, so that half a decision would be seen. */
const CHOSEN = { contact: "Budi", address: "Jl. Ahmad" };

/** Opens the record's question and chooses, without saving. @param {App} app @param {string} id */
async function chooses(app, id) {
  await app.showCustomer(id);
  const dialog = await app.choose();
  const question = (/** @type {string} */ label) => dialog.locator("fieldset").filter({ has: app.page.locator(`legend:text-is("${label}")`) });
  assert.equal(await dialog.locator("input:checked").count(), 0, "nothing is chosen beforehand, whatever was chosen before a kill");
  await question("Contact person").locator("input[value=mine]").check();
  await question("Address").locator("input[value=theirs]").check();
  return dialog;
}

/** The device comes back: the question is whole, or the decision is. @param {World} world @param {Device} device @param {string} id */
async function whole(world, device, id) {
  await device.start();
  const app = await world.resumed(device, `/customers/${id}`);
  await app.page.locator("main .card-head").waitFor();
  const clash = await Clash.on(world, device, { again: true });
  const [conflict, shown] = await clash.phone.must(async (sync, id) => [
    (await sync.conflicts.list()).find((/** @type {any} */ each) => each.id === id) ?? null,
    (await sync.customers.get(id)).fields,
  ], id);
  const mine = { contact: shown.contact, address: shown.address };
  if (!conflict) assert.deepEqual(mine, CHOSEN, "decided: each field as it was chosen");
  else {
    const sides = conflict.fields.map((/** @type {any} */ each) => [each.field, each.mine, each.theirs]).sort();
    assert.deepEqual(sides, [["address", MINE.address, THEIRS.address], ["contact", MINE.contact, THEIRS.contact]], "both sides are still there");
    assert.deepEqual(mine, MINE, "and mine is on the screen");
  }
  return { app, clash, asks: conflict !== null };
}

/** @param {World} world @param {Device} device @param {App} app @param {App} other */
async function inTheDialog(world, device, app, other) {
  let clash = await Clash.on(world, device);
  const names = PRESSED_MS.map((ms) => `PT Mati ${ms}`);
  const ids = await clash.shared(names.map((name) => ({ name, contact: "A", address: "Jl. A" })));
  clash.away();
  await clash.editAll(ids.map((/** @type {string} */ id) => ({ id, patch: MINE })));
  await clash.serverEdits(ids.map((/** @type {string} */ id) => ({ id, patch: THEIRS })));
  await clash.back();
  await clash.waits(ids.length);
  clash.away();

  world.step("killed with the dialog open and choices made");
  await chooses(app, ids[0]);
  await device.kill();
  const opened = await whole(world, device, ids[0]);
  assert.ok(opened.asks, "what was not saved is not decided");
  ({ app, clash } = opened);

  /** @type {boolean[]} */
  const asked = [];
  for (const [n, ms] of PRESSED_MS.entries()) {
    world.step(`killed ${ms} ms after Save choice was pressed`);
    const dialog = await chooses(app, ids[n]);
    await dialog.getByRole("button", { name: "Save choice" }).evaluate((button) => void /** @type {HTMLElement} */ (button).click());
    if (ms === Infinity) await app.page.locator(".toasts").getByText("Choice saved").waitFor();
    else await sleep(ms);
    await device.kill();
    const left = await whole(world, device, ids[n]);
    asked.push(left.asks);
    ({ app, clash } = left);
    if (!left.asks) continue;
    await chooses(app, ids[n]);
    await app.saveChoice();
    await app.page.locator(".toasts").getByText("Choice saved").waitFor();
  }
  world.step(`after the kills ${asked.filter(Boolean).length} of ${asked.length} still asked`);
  assert.equal(asked.at(-1), false, "what it said it saved is decided");

  world.step("sent, and looked at on both sides");
  await clash.back();
  await clash.settled();
  for (const [n, id] of ids.entries()) await agreed(world, other, id, names[n], CHOSEN);
  const records = await (await world.api("budi")).records("customers");
  const versions = ids.map((/** @type {string} */ id) => records.find((entry) => entry.id === id)?.version);
  assert.deepEqual(versions, ids.map(() => 3), "each decision was sent once");
  await clash.phone.close();
  await app.load("/test/harness/");
}

/** Decides one after the other, and says of each that it is decided. @param {any} sync @param {{ hold: number }} given */
async function decideAll(sync, { hold }) {
  const told = /** @type {any} */ (globalThis).told;
  for (const conflict of await sync.conflicts.list()) {
    await told({ id: conflict.id, begun: true });
    await sync.conflicts.resolve(conflict, { contact: "mine" }, { holdMs: hold });
    await told({ id: conflict.id, begun: false });
  }
}

/** @type {import("../run.mjs").Story} */
export default {
  title: `the browser is killed in the dialog, and ${KILLS} times while conflicts are decided: each is decided whole, or still asks`,
  limitMs: 400_000,
  async run(world) {
    const device = await world.device();
    const office = await world.device("office", { width: 1280, height: 800, phone: false });
    await inTheDialog(world, device, await world.signedIn(device, "budi"), await world.signedIn(office, "ahmad"));
    await office.close();
    world.step("killed while the library decides one after the other");
    let clash = await Clash.on(world, device, { again: true });
    const names = Array.from({ length: RECORDS }, (_, n) => ({ name: `Kill Conflict ${n}`, contact: "A" }));
    const ids = await clash.shared(names);
    /** What the library said it decided. @type {Set<string>} */
    const decided = new Set();
    for (let round = 0; round < KILLS; round += 1) {
      if (round > 0) {
        await device.start();
        clash = await Clash.on(world, device, { again: true });
      }
      const left = (await clash.phone.must((sync) => sync.conflicts.list())).map((/** @type {any} */ each) => each.id);
      for (const id of decided) assert.ok(!left.includes(id), "what was decided does not ask again");
      if (!left.length) {
        decided.clear();
        await clash.settled();
        clash.away();
        await clash.editAll(ids.map((/** @type {string} */ id) => ({ id, patch: { contact: `Budi ${round}` } })));
        await clash.serverEdits(ids.map((/** @type {string} */ id) => ({ id, patch: { contact: `Ahmad ${round}` } })));
        await clash.back();
        await clash.waits(RECORDS);
      }
      let begun = 0;
      await clash.phone.page.exposeBinding("told", (_, { id, begun: begins }) => {
        begun += 1;
        if (!begins) decided.add(id);
      });
      // Every other time without a connection, and held for Undo or not.
      if (round % 2) clash.away();
      clash.phone.run(decideAll, { hold: round % 3 ? 6000 : 0 }).catch(() => {});
      await until("it has begun", () => begun > 0, 10_000, 1);
      await sleep(Math.random() * MOMENT_MS_MAX);
      await device.kill();
      world.proxy.clear();
      world.step(`kill ${round + 1}: ${decided.size} of ${RECORDS} were decided`);
    }

    await device.start();
    clash = await Clash.on(world, device, { again: true });
    const last = clash.phone;
    await last.must((sync) => sync.sync().then(() => {}));
    const left = await last.must((sync) => sync.conflicts.list());
    for (const { id } of left) assert.ok(!decided.has(id), "what was decided does not ask again");
    const { undo, ...outcome } = await last.must(async (sync) => ({ ...(await sync.conflicts.resolveAll(await sync.conflicts.list(), "mine")) }));
    assert.deepEqual(outcome, { decided: left.length, moved: [], unfit: [] });
    await clash.settled();
    const records = await (await world.api("budi")).records("customers");
    for (const id of ids) {
      const record = records.find((entry) => entry.id === id);
      assert.match(String(record?.fields.contact), /^Budi \d$/, "mine is at the server, and nothing was lost on the way");
    }
    assert.equal(records.filter(({ fields }) => String(fields.name).startsWith("Kill Conflict")).length, RECORDS, "none twice");
  },
};
