/** What could not be sent is tried again from the sync centre: it says why where that is in vain, and a discard can be undone. */
import { assert, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;

/** @typedef {import("../lib/app.mjs").App} App */

/** @param {App} app @param {string} words */
const row = (app, words) => app.page.locator("sync-centre #failed li.row").filter({ hasText: words });

/** @param {App} app @param {string | RegExp} words */
const told = (app, words) => app.page.locator(".toasts").getByText(words).waitFor();

/** @param {import("playwright-core").Download} download */
async function text(download) {
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** One record that breaks a rule, and one whose code was taken until now. @param {import("../lib/harness.mjs").Harness} budi */
async function leaveTwo(budi) {
  await budi.must(async (sync) => {
    const first = await sync.customers.create({ name: "Try First", code: "TRY-001" });
    await sync.sync();
    await sync.customers.create({ name: "Try Taken", code: "TRY-001" });
    await sync.customers.create({ name: "Try Broken", code: "x" });
    await sync.sync();
    await sync.customers.update(await sync.customers.get(first.id), { code: "TRY-002" });
    await sync.sync();
  });
  assert.equal((await budi.status()).failed, 2);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "trying again says what is sent and what must be mended, and a discard that waits for an answer can be undone",
  async run(world) {
    const device = await world.device();
    const app = await world.signedIn(device, "budi");
    const budi = await world.harness(device, "budi");
    await budi.synced();
    await leaveTwo(budi);
    const api = await world.api("budi");
    await app.go("Sync");

    world.step("one that no try would send says why");
    await row(app, "Try Broken").getByRole("button", { name: "Try again" }).click();
    await told(app, "This cannot be sent yet. Code: This does not look right.");

    world.step("all: what can be sent is sent, and the rest is counted");
    await app.page.locator("sync-centre").getByRole("button", { name: "Try all again" }).click();
    await told(app, "1 record sent · 1 still needs mending");
    assert.equal((await api.customersNamed("Try Taken")).length, 1);

    world.step("one of them is exported alone");
    const download = app.page.waitForEvent("download");
    await row(app, "Try Broken").getByRole("button", { name: "Export this one" }).click();
    const { outbox } = JSON.parse(await text(await download));
    assert.deepEqual(outbox.map((/** @type {any} */ change) => change.written.name), ["Try Broken"]);

    world.step("all of them are discarded at once, and come back at once");
    await budi.must((sync) => sync.customers.create({ name: "Try Wrong", code: "z" }).then(() => {}));
    await row(app, "Try Wrong").waitFor();
    await app.page.locator("sync-centre").getByRole("button", { name: "Discard all" }).click();
    await told(app, "2 discarded");
    await until("nothing is left", async () => (await budi.status()).pending === 0);
    await app.page.locator(".toasts").getByRole("button", { name: "Undo" }).click();
    await row(app, "Try Wrong").waitFor();
    await row(app, "Try Broken").waitFor();
    await row(app, "Try Wrong").getByRole("button", { name: "Discard" }).click();
    await told(app, "Try Wrong: change discarded");

    world.step("a record is sent, and nobody knows whether it arrived; then it breaks a rule");
    world.proxy.rule({ path: PUSH, fault: "lose-answer" });
    await budi.must((sync) => sync.customers.create({ name: "Try Open" }).then(() => {}));
    await until("it arrived", async () => (await api.customersNamed("Try Open")).length === 1);
    await world.proxy.unplug();
    await budi.must(async (sync) => {
      const [open] = await sync.customers.search("Try Open");
      await sync.customers.update(open, { code: "y" });
    });

    world.step("discarding it waits for the answer, and is undone before");
    await row(app, "Try Open").getByRole("button", { name: "Discard" }).click();
    await told(app, "Try Open: discarded once the server has been asked");
    await app.page.getByText("Will be discarded once the server has been asked").waitFor();
    await app.page.locator(".toasts").getByRole("button", { name: "Undo" }).click();
    await told(app, /^Undone$/);
    await row(app, "Try Open").waitFor();
    world.proxy.clear();
    await world.proxy.replug();
    await until("the answer came", async () => {
      await budi.must((sync) => sync.sync().then(() => {}));
      return budi.must(async (sync) => (await sync.outbox.list()).every((/** @type {any} */ entry) => entry.changes.length === 1));
    }, 30_000, 300);
    assert.equal((await api.customersNamed("Try Open")).length, 1, "it was not taken back");
    assert.equal((await budi.status()).failed, 2, "and what breaks a rule is still there to be mended");
  },
};
