/** Another server under the same address: it gets a database of its own, and what was unsent waits for the first, named. */
import { readFileSync } from "node:fs";
import { assert, until } from "../lib/until.mjs";

const FIRST = "data";
const SECOND = "another";

/** Until this tab goes on with the database of another server than this. @param {import("../lib/harness.mjs").Harness} tab @param {string} epoch */
function left(tab, epoch) {
  return until("the other tab has switched, too", async () => {
    const { serverEpoch, otherServer } = await tab.status();
    return serverEpoch !== undefined && serverEpoch !== epoch && !otherServer ? serverEpoch : undefined;
  }, 30_000);
}

/** The server knows nobody's session: the user signs in. @param {import("../lib/app.mjs").App} budi */
async function signInAgain(budi) {
  await budi.page.evaluate(() => dispatchEvent(new Event("online")));
  await budi.says(/^Sign in/);
  await budi.pressBar();
  await budi.fillSignIn("budi");
  await budi.upToDate();
}

/** What the sync centre says of other servers. @param {import("../lib/app.mjs").App} budi */
async function unsentElsewhere(budi) {
  await budi.go("Sync");
  const note = budi.page.locator("sync-centre section.note[data-database]");
  await note.waitFor();
  return note;
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "another server under the same address has its own database; the first one's unsent work waits, named, and is sent once",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    const tab = await world.harness(device, "budi", { again: true });
    await tab.synced();
    const { serverEpoch: first } = await tab.status();
    await budi.createCustomer({ name: "PT Rumah Satu" });
    await budi.upToDate();
    await world.stopServer();
    for (const number of [1, 2]) await budi.createCustomer({ name: `Quokka ${number}` });
    await budi.says(/^Offline – 2 records saved/);

    await world.putServer(SECOND);
    await signInAgain(budi);
    const second = await left(tab, first);
    assert.equal(await budi.found("PT Rumah Satu"), 0, "this server's data is shown");
    assert.equal((await (await world.api("budi")).customersNamed("Quokka 1")).length, 0, "nothing went there");

    world.step("what is unsent is named, counted, and can be exported");
    const note = await unsentElsewhere(budi);
    assert.match(await note.innerText(), /Unsent work for another server: 2 records/);
    const [download] = await Promise.all([budi.page.waitForEvent("download"), note.getByRole("button", { name: "Export unsent work" }).click()]);
    const { outbox } = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.deepEqual(outbox.map((/** @type {any} */ row) => row.written.name), ["Quokka 1", "Quokka 2"]);
    const [other, ...more] = await tab.must((sync) => sync.otherDatabases());
    assert.deepEqual([other.epoch, other.unsent, more], [first, 2, []]);

    world.step("work goes on there, in both tabs; a tab opened later is there, too");
    await budi.createCustomer({ name: "Xenokrat" });
    await tab.must((sync) => sync.customers.create({ name: "Xenokrat Juga" }).then(() => {}));
    for (const name of ["Xenokrat", "Xenokrat Juga"]) {
      await until(`${name} arrived`, async () => (await (await world.api("budi")).customersNamed(name)).length === 1);
    }
    await budi.load("/customers");
    await budi.upToDate();
    assert.equal(await budi.found("Xenokrat"), 2);
    await world.stopServer();
    await budi.createCustomer({ name: "PT Tertinggal" });
    await budi.says(/^Offline – 1 record saved/);

    await world.putServer(FIRST);
    await signInAgain(budi);
    assert.equal(await left(tab, second), first);
    await until("what waited for it was sent", async () => (await (await world.api("budi")).customersNamed("Quokka 2")).length > 0);
    const sent = (await (await world.api("budi")).records()).filter((entry) => /^(Quokka|PT Rumah Satu)/.test(entry.fields.name));
    assert.deepEqual(sent.map((entry) => [entry.fields.name, entry.version]).sort(), [["PT Rumah Satu", 1], ["Quokka 1", 1], ["Quokka 2", 1]]);
    assert.equal((await (await world.api("budi")).customersNamed("PT Tertinggal")).length, 0);
    assert.equal(await budi.found("Quokka"), 2);
    assert.match(await (await unsentElsewhere(budi)).innerText(), /Unsent work for another server: 1 record\b/);

    world.step("the user's data is deleted, for whichever server");
    await tab.must((sync) => sync.forget());
    const names = await tab.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    assert.ok(!names.some((name) => name?.startsWith("fieldsync http")), `deleted: ${names}`);
  },
};
