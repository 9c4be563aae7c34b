/**
 * What is refused when it is saved: a deal moves only where its stage may go. Without a connection, too: the field says why,
 * nothing is kept to be sent, and a step that is allowed is saved.
 */
import { Clash } from "../lib/clash.mjs";
import { nothingFound } from "../lib/axe.mjs";
import { assert, until } from "../lib/until.mjs";

const TITLE = "Kontrak mesin kopi";
const WORDS = { en: "That step is not allowed.", id: "Langkah itu tidak diizinkan." };

/** @typedef {import("../lib/app.mjs").App} App */

/** @param {App} app @param {string} stage */
const column = (app, stage) => app.page.locator(`section[aria-labelledby=stage-${stage}]`);

/** @param {App} app */
const deal = (app) => app.page.locator("li.deal").filter({ hasText: TITLE });

/** What waits to be sent, by the library and as it is stored. @param {Clash} clash */
const unsent = (clash) => clash.phone.must(async (sync) => (await sync.outbox.list()).length);

/** As the library refuses it, whoever asks. @param {Clash} clash @param {string} id @param {string} stage */
async function refusedByTheLibrary(clash, id, stage) {
  const before = await unsent(clash);
  const { error } = await clash.phone.run(async (sync, { id, stage }) => {
    await sync.pipelines.update(await sync.pipelines.get(id), { stage });
    return {};
  }, { id, stage });
  assert.deepEqual([error?.code, error?.field, error?.violations], ["invalid", "stage", [{ field: "stage", rule: "transition" }]]);
  assert.equal(await unsent(clash), before, "nothing of it is kept");
}

/** A board that an older version of the app drew offers steps that are none any more. @param {App} app @param {string} stage */
async function chooseUnoffered(app, stage) {
  const select = deal(app).locator("select.move");
  await select.evaluate((node, value) => {
    const option = Object.assign(document.createElement("option"), { value, textContent: value });
    node.append(option);
  }, stage);
  await select.selectOption(stage);
}

/** @param {App} app @param {Clash} clash @param {"en" | "id"} language */
async function refusedAtTheField(app, clash, language) {
  await app.speak(language);
  await app.load("/pipeline");
  await deal(app).waitFor();
  const select = deal(app).locator("select.move");
  const offered = await select.locator("option").evaluateAll((options) => options.map((each) => /** @type {HTMLOptionElement} */ (each).value));
  assert.deepEqual(offered, ["", "qualified", "lost"], "only what is allowed is offered");
  const before = await unsent(clash);
  await chooseUnoffered(app, "won");
  const words = deal(app).getByRole("alert");
  await words.getByText(WORDS[language]).waitFor();
  assert.equal(await select.getAttribute("aria-describedby"), await words.getAttribute("id"), "it is said at the field");
  assert.equal(await select.getAttribute("aria-invalid"), "true");
  assert.equal(await select.inputValue(), "", "and the field is where it was");
  await deal(app).scrollIntoViewIfNeeded();
  await app.page.screenshot({ path: `${clash.world.folder}/refused-${language}.png` });
  await nothingFound(app.page, "a step that was refused", '"li.deal:has(.error:not(:empty))"');
  assert.equal(await column(app, "lead").getByText(TITLE).count(), 1, "it stays");
  assert.equal(await unsent(clash), before, "nothing of it is kept");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "a deal's stage goes only where it may: refused when saved, at the field, in words, without a connection too",
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    const app = await world.signedIn(device, "budi");
    const clash = await Clash.on(world, device);
    const [customer] = await clash.shared([{ name: "PT Tahap" }]);
    const id = await clash.phone.must(async (sync, { customer, title }) => {
      const made = await sync.pipelines.create({ customer, title, stage: "lead", close_date: "2026-12-24", value: { amount: 45_000_000, currency: "IDR" } });
      return made.id;
    }, { customer, title: TITLE });
    await clash.settled();

    world.step("with a connection");
    await refusedByTheLibrary(clash, id, "won");
    await refusedAtTheField(app, clash, "id");

    world.step("without one");
    await world.stopServer();
    await refusedByTheLibrary(clash, id, "negotiation");
    await refusedAtTheField(app, clash, "en");
    await app.says(/^Offline – data of|^Offline – showing data of/);

    world.step("a step that is allowed is saved, and the words are gone");
    await deal(app).locator("select.move").selectOption("qualified");
    await app.page.locator(".toasts").getByText("Moved to Qualified").waitFor();
    await column(app, "qualified").getByText(TITLE).waitFor();
    assert.equal(await deal(app).getByRole("alert").count(), 0);
    await app.says(/^Offline – 1 record saved/);
    assert.equal(await unsent(clash), 1);
    const next = await deal(app).locator("select.move option").evaluateAll((options) => options.map((each) => /** @type {HTMLOptionElement} */ (each).value));
    assert.deepEqual(next, ["", "lead", "proposal", "lost"]);

    world.step("and sent, as that one step");
    await world.returnServer();
    await clash.settled();
    const sent = await (await world.api("ahmad")).record("pipelines", id);
    assert.deepEqual([sent?.fields.stage, sent?.version], ["qualified", 2]);
    await until("nothing could not be sent", async () => (await clash.phone.status()).failed === 0);
  },
};
