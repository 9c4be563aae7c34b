/**
 * Story 71: a person chooses what is on the phone, sees first what that frees and fetches, and is not bothered by what is not here.
 * Killed in the midst of it, the phone goes on at its page.
 */
import { nothingFound } from "../lib/axe.mjs";
import { uuid7 } from "../lib/api.mjs";
import { assert, sleep, until } from "../lib/until.mjs";

const SNAPSHOT = /\/sync\/v1\/snapshot/;
const PULLS = /\/sync\/v1\/(snapshot|changes)/;
const DAY_MS = 86_400_000;
const RECENT = 1_200;
const OLD = 300;
const BATCH = 200;
const SIGNED_OUT_WITHIN_MS = 2_000;

/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {import("../lib/world.mjs").World} World */

/** @param {import("../lib/api.mjs").Api} api @param {string} customer */
async function seed(api, customer) {
  const items = Array.from({ length: RECENT + OLD }, (_, n) => ({
    collection: "activities", id: uuid7(), action: "create", base_version: 0, seen: {}, edited_at: Date.now(),
    patch: { customer, kind: "call", subject: `Seeded ${n}`, at: Date.now() - (n < RECENT ? 1 : 200) * DAY_MS },
  }));
  for (let from = 0; from < items.length; from += BATCH) {
    const { json } = await api.pushEach(items.slice(from, from + BATCH));
    assert.ok(json.results.every((/** @type {any} */ result) => result.outcome === "applied"));
  }
}

/** The app after a kill, which may have taken the cookie along. @param {World} world @param {import("../lib/browser.mjs").Device} device @param {string} path */
async function opened(world, device, path) {
  const app = await world.resumed(device, path);
  await app.page.locator("sync-status-bar .bar").waitFor();
  if (await signedInAgain(app)) await app.load(path);
  return app;
}

/** Signs in if the app asks for it. Whether it did. @param {App} app */
async function signedInAgain(app) {
  await sleep(SIGNED_OUT_WITHIN_MS);
  if ((await app.state()) !== "signed-out") return false;
  await app.pressBar();
  await app.fillSignIn("budi");
  return true;
}

/** @param {App} app */
const part = (app) => app.page.locator("sync-centre section#selection");

/** @param {App} app @param {RegExp} words */
const says = (app, words) => part(app).locator("[role=status]").getByText(words).waitFor();

/** How many activities are here, as the sync centre says. @param {App} app */
async function activitiesHere(app) {
  const text = await part(app).locator(".choice").filter({ hasText: "Activities" }).innerText();
  return Number((/([\d,]+) records?/.exec(text)?.[1] ?? "0").replace(",", ""));
}

/** @param {World} world @param {number} from */
const asked = (world, from) => world.proxy.seen.slice(from).filter((seen) => PULLS.test(seen.path)).map((seen) => decodeURIComponent(seen.path));

/** Drops them, with the keyboard alone. @param {World} world @param {App} budi @param {number} total */
async function drop(world, budi, total) {
  const box = part(budi).getByRole("checkbox", { name: /^Activities/ });
  await box.focus();
  await budi.page.keyboard.press("Space");
  await says(budi, new RegExp(`^Frees ${total.toLocaleString("en")} records \\(.+B\\)`));
  assert.equal(await budi.page.evaluate(() => document.querySelector("sync-centre")?.shadowRoot?.activeElement?.getAttribute("type")), "checkbox", "the focus stays");
  await nothingFound(budi.page, "a choice that is not applied yet");
  const wide = await budi.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px too wide`);
  const from = world.proxy.seen.length;
  await part(budi).getByRole("button", { name: "Apply" }).focus();
  await budi.page.keyboard.press("Enter");
  await part(budi).getByText(/^Not on this (phone|device)$/).waitFor();
  await budi.upToDate();
  assert.ok(asked(world, from).every((path) => !path.includes("activities")), "nobody asks for them any more");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "what to sync is chosen with its price, and goes on at its page after a kill",
  limitMs: 240_000,
  async run(world) {
    const device = await world.device("phone", { width: 360, height: 740 });
    let budi = await world.signedIn(device, "budi");
    const id = await budi.createCustomer({ name: "Toko Pilihan", phone: "+62 811 7171" });
    await budi.upToDate();
    const api = await world.api("budi");
    await seed(api, id);

    world.step("what is here, and dropped");
    await budi.load("/sync");
    await budi.pressBar();
    const total = (await api.records("activities")).length;
    await until("all are here", async () => (await activitiesHere(budi)) === total, 60_000);
    await drop(world, budi, total);
    await budi.showCustomer(id);
    await budi.page.getByText(/^Activities are not kept on this (phone|device)\.$/).waitFor();
    assert.equal(await budi.page.getByText("Nothing logged yet.").count(), 0, "what is not here is not said to be none");

    world.step("a visit is logged all the same, and sent");
    await budi.page.goto(`${world.origin}/activities/new?customer=${id}`);
    await budi.page.locator("#field-subject").fill("Diluar pilihan");
    await budi.save();
    await until("it is sent", async () => (await api.records("activities")).some((entry) => entry.fields.subject === "Diluar pilihan"));
    await budi.upToDate();

    world.step("offline, the price is not known, and the choice stands");
    await budi.load("/sync");
    await world.proxy.unplug();
    await part(budi).getByRole("checkbox", { name: /^Activities/ }).check();
    await says(budi, /^What it would fetch is known only with the server/);
    await part(budi).getByLabel("Activities: how far back").selectOption("90");
    await until("it can be applied", () => part(budi).getByRole("button", { name: "Apply" }).isEnabled());
    await part(budi).getByRole("button", { name: "Apply" }).click();
    await part(budi).getByText(/still loading/).waitFor();

    world.step("killed while its second page is on its way");
    const { isHeld, release } = world.proxy.holdNext({ path: SNAPSHOT, after: 1 });
    await world.proxy.replug();
    await until("the second page is held", isHeld, 90_000);
    await device.kill();
    release();
    const from = world.proxy.seen.length;
    await device.start();
    budi = await opened(world, device, "/sync");
    await budi.upToDate(60_000);
    const [first] = asked(world, from);
    assert.match(first, /snapshot\?after=activities\/[0-9a-f-]{36}&collections=activities&.*scope=activities:since=\d+/, "it goes on at its page");
    await budi.load("/sync");
    await part(budi).getByText(/records? ·/).first().waitFor();
    const here = await activitiesHere(budi);
    const due = (await api.records("activities")).filter((entry) => entry.fields.at >= Date.now() - 91 * DAY_MS).length;
    assert.ok(here >= RECENT && here <= due, `${here} of ${due} are here, and none of the ${OLD} old ones`);
    await budi.showCustomer(id);
    await budi.page.getByText(/^Only activities of the last 90 days are on this (phone|device)\.$/).waitFor();

    world.step("a first sync is paused, survives a kill, and goes on");
    await pauses(world);

    world.step("in Indonesian");
    await budi.load("/sync");
    await budi.page.getByLabel("Language").selectOption("id");
    await part(budi).getByRole("heading", { name: "Yang disinkronkan" }).waitFor();
    await part(budi).getByRole("checkbox", { name: /^Aktivitas/ }).uncheck();
    await says(budi, /^Membebaskan .* data \(.+B\) di (ponsel|perangkat) ini$/);
  },
};

/** Another phone of the same user. @param {World} world */
async function pauses(world) {
  const device = await world.device("second", { width: 360, height: 740 });
  const page = await device.page(`${world.origin}/sign-in`);
  const { App } = await import("../lib/app.mjs");
  let app = new App(page, world.origin);
  const { isHeld, release } = world.proxy.holdNext({ path: SNAPSHOT, after: 1 });
  await app.fillSignIn("budi");
  await until("the second page is held", isHeld, 60_000);
  await app.says(/^Getting your data – [\d,]+ of [\d,]+$/);
  await page.getByRole("button", { name: "Pause" }).first().click();
  await app.says(/^Paused – [\d,]+ of [\d,]+ are here$/);
  await device.kill();
  release();
  await device.start();
  const from = world.proxy.seen.length;
  app = await opened(world, device, "/customers");
  await app.page.locator("main a.row").first().waitFor();
  await app.says(/^Paused –/);
  await app.createCustomer({ name: "Saat dijeda", phone: "+62 811 7272" });
  // Nobody had asked for anything before.
  await signedInAgain(app);
  const api = await world.api("budi");
  await until("it is sent", async () => (await api.customersNamed("Saat dijeda")).length === 1);
  assert.deepEqual(asked(world, from), [], "nothing is fetched while it is paused");
  await app.load("/sync");
  const resume = app.page.locator("sync-centre section#coming").getByRole("button", { name: "Resume" });
  await resume.waitFor();
  await nothingFound(app.page, "a first sync that is paused");
  await resume.click();
  await app.upToDate(60_000);
  assert.match(asked(world, from)[0], /snapshot\?after=/, "it goes on where it was");
}
