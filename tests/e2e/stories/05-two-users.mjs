/** Story 5: two users edit one customer. Disjoint fields merge; the same field asks, and each choice is what both sides have. */
import { assert, settles, until } from "../lib/until.mjs";

const SYNC = /\/sync\/v1\/(push|changes|snapshot|preview)/;

/** @typedef {import("../lib/world.mjs").World} World */
/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {{ world: World, budi: App, ahmad: App, user: string, name: string, id: string }} Scene */

/** Two edits that do not know of each other: hers arrives first, his was saved without a connection. @param {Scene} scene @param {import("../lib/app.mjs").Values} his @param {import("../lib/app.mjs").Values} hers */
async function bothEdit({ world, budi, ahmad, user, name }, his, hers) {
  world.proxy.rule({ path: SYNC, user, fault: "refuse" });
  await budi.editCustomer(name, his);
  await ahmad.editCustomer(name, hers);
  await ahmad.upToDate();
  world.proxy.clear();
  await budi.page.evaluate(() => dispatchEvent(new Event("online")));
}

/** The record at the server, as both devices show it. @param {Scene} scene @param {Record<string, string>} fields @param {Record<string, string>} shown */
async function agreed({ world, budi, ahmad, id }, fields, shown) {
  const api = await world.api("budi");
  await settles("it is on the server", async () => {
    const record = await api.record("customers", id);
    assert.deepEqual(Object.fromEntries(Object.keys(fields).map((field) => [field, record?.fields[field]])), fields);
  });
  await budi.says(/^Up to date[^·]*· [^·]*$/);
  for (const app of [budi, ahmad]) {
    await app.showCustomer(id);
    if (app === ahmad) await app.pressBar();
    for (const [label, value] of Object.entries(shown)) await app.shows(label, value);
  }
}

/** Waits for the question, and opens it from the record's page. @param {Scene} scene */
async function asked({ budi, id }) {
  await budi.says(/^1 record needs your choice/);
  await budi.showCustomer(id);
  return budi.choose();
}

/** @param {Scene} scene */
async function choices(scene) {
  const { world, budi } = scene;
  world.step("the same field: mine");
  await bothEdit(scene, { contact: "Budi 1" }, { contact: "Ahmad 1" });
  const dialog = await asked(scene);
  assert.equal(await dialog.locator("input:checked").count(), 0, "nothing is chosen beforehand");
  await dialog.getByRole("button", { name: "Save choice" }).click();
  await dialog.getByText("Choose one to go on").waitFor();
  await budi.decide({ "Contact person": "Yours" });
  await agreed(scene, { contact: "Budi 1" }, { "Contact person": "Budi 1" });

  world.step("the same field: the server's");
  await bothEdit(scene, { contact: "Budi 2" }, { contact: "Ahmad 2" });
  await asked(scene);
  await budi.decide({ "Contact person": "Server's" });
  await agreed(scene, { contact: "Ahmad 2" }, { "Contact person": "Ahmad 2" });

  world.step("two fields, each its own way, after deciding later");
  await bothEdit(scene, { contact: "Budi 3", address: "Jl. Budi 3" }, { contact: "Ahmad 3", address: "Jl. Ahmad 3" });
  await asked(scene);
  await budi.page.keyboard.press("Escape");
  await budi.dialog().waitFor({ state: "hidden" });
  await settles("put off: it follows, and leads no more", async () => {
    assert.doesNotMatch(await budi.bar(), /^1 record needs/);
    assert.match(await budi.bar(), /needs your choice/);
  });
  await budi.showCustomer(scene.id);
  await budi.shows("Contact person", "Budi 3");
  await budi.choose();
  await budi.decide({ "Contact person": { value: "Together 3" }, Address: "Server's" });
  await agreed(scene, { contact: "Together 3", address: "Jl. Ahmad 3" }, { "Contact person": "Together 3", Address: "Jl. Ahmad 3" });

  world.step("two fields, all mine at once");
  await bothEdit(scene, { contact: "Budi 4", address: "Jl. Budi 4" }, { contact: "Ahmad 4", address: "Jl. Ahmad 4" });
  await asked(scene);
  await budi.dialog().getByRole("button", { name: "Keep all mine" }).click();
  await budi.saveChoice();
  await agreed(scene, { contact: "Budi 4", address: "Jl. Budi 4" }, { "Contact person": "Budi 4", Address: "Jl. Budi 4" });
}

/** A form that was open while a pull changed its field. @param {Scene} scene */
async function openForm(scene) {
  const { world, budi, ahmad, name, id } = scene;
  world.step("a form that is open while a pull changes its field");
  await budi.showCustomer(id);
  await budi.openForm();
  await ahmad.editCustomer(name, { contact: "Ahmad 5" });
  await ahmad.upToDate();
  const pulls = world.proxy.requests(/\/sync\/v1\/changes/).length;
  await budi.pressBar();
  await until("the change was pulled", () => world.proxy.requests(/\/sync\/v1\/changes/).slice(pulls).some((seen) => JSON.stringify(seen.answer ?? "").includes("Ahmad 5")));
  await budi.fill({ contact: "Budi 5" });
  await budi.save();
  await asked(scene);
  await budi.decide({ "Contact person": "Yours" });
  await agreed(scene, { contact: "Budi 5" }, { "Contact person": "Budi 5" });
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "two users edit one customer: disjoint fields merge, the same field asks",
  limitMs: 300_000,
  async run(world) {
    const budi = await world.signedIn(await world.device("budi"), "budi");
    const name = "PT Berdua Saja";
    const id = await budi.createCustomer({ name, contact: "Nobody", address: "Jl. Lama", email: "lama@example.co" });
    await budi.upToDate();
    const ahmad = await world.signedIn(await world.device("ahmad"), "ahmad");
    const user = (await world.api("budi")).user?.id ?? "";
    const scene = { world, budi, ahmad, user, name, id };

    world.step("disjoint fields merge");
    await bothEdit(scene, { contact: "Budi 0" }, { address: "Jl. Ahmad 0" });
    await agreed(scene, { contact: "Budi 0", address: "Jl. Ahmad 0" }, { "Contact person": "Budi 0", Address: "Jl. Ahmad 0" });
    await choices(scene);
    await openForm(scene);
  },
};
