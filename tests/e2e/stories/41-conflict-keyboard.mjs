/**
 * Story 41: the dialog and the inbox by keyboard alone, the focus given back, and readable at 320 px with text at 200 %, in
 * both languages and themes.
 */
import { Clash } from "../lib/clash.mjs";
import { nothingFound } from "../lib/axe.mjs";
import { assert, settles, until } from "../lib/until.mjs";

/** @typedef {import("../lib/app.mjs").App} App */
/** @typedef {import("playwright-core").Page} Page */

const LANGUAGES = /** @type {const} */ (["id", "en"]);
/** Times and people in words. */
const WHO = {
  en: /(?=.*Ahmad Hidayat \(Manager\), (just now|\d+ (min|sec)\.? ago))(?=.*(just now|ago), this phone)/s,
  id: /(?=.*Ahmad Hidayat \(Manajer\), (baru saja|\d+ (mnt|dtk) (yang )?lalu))(?=.*(baru saja|lalu), ponsel ini)/s,
};

/** What has the focus: its words, through shadow trees. @param {Page} page @returns {Promise<string>} */
const focused = (page) =>
  page.evaluate(() => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    const input = /** @type {HTMLInputElement} */ (active);
    return [active?.localName, input?.value, active?.getAttribute("aria-label") ?? active?.textContent].filter(Boolean).join("|").slice(0, 120);
  });

/** Tab, until the focus is on what says this. @param {Page} page @param {RegExp} words */
async function tabTo(page, words) {
  for (let n = 0; n < 60; n += 1) {
    if (words.test(await focused(page))) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not come to ${words}; it is at ${await focused(page)}`);
}

/** Nothing is cut off, and nothing scrolls sideways. @param {Page} page @param {string} where */
async function fits(page, where) {
  const width = page.viewportSize()?.width ?? 0;
  const wide = await page.evaluate((width) => {
    const dialog = document.querySelector("conflict-dialog")?.shadowRoot?.querySelector("dialog[open]");
    const shown = dialog ? dialog.querySelectorAll("*") : document.querySelectorAll("#app *");
    const over = [...shown].filter((node) => {
      const { right, left } = node.getBoundingClientRect();
      return right - left > 1 && !node.closest(".sr, .skip") && (right > width + 1 || left < -1);
    });
    // A phone lays out a page that is too wide as if it had a wider screen.
    return [document.documentElement.scrollWidth, ...over.slice(0, 4).map((node) => node.outerHTML.slice(0, 80))];
  }, width);
  assert.deepEqual(wide, [width], `${where} fits`);
}

/** The dialog in both themes and languages, at 200 % text. @param {App} app @param {string} id @param {string} what */
async function looks(app, id, what) {
  const { page } = app;
  for (const language of LANGUAGES) {
    await app.speak(language);
    await app.showCustomer(id);
    await page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
    await fits(page, `the page of ${what}, ${language}, 200%`);
    await page.evaluate(() => document.documentElement.style.removeProperty("font-size"));
    await page.locator("main .banner.ask button").click();
    await app.dialog().waitFor();
    assert.match(await app.dialog().innerText(), WHO[language], `${what} says who and when`);
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const size of ["100%", "200%"]) {
        await page.evaluate((size) => document.documentElement.style.setProperty("font-size", size), size);
        await fits(page, `${what}, ${language}, ${size}`);
        await nothingFound(page, `${what}, ${language}, ${colorScheme}, ${size}`);
      }
      await page.evaluate(() => document.documentElement.style.removeProperty("font-size"));
    }
    await page.keyboard.press("Escape");
    await app.dialog().waitFor({ state: "hidden" });
  }
  await app.speak("en");
  await page.emulateMedia({ colorScheme: "light" });
}

/** @param {App} app @param {string} id */
async function byKeyboard(app, id) {
  const { page } = app;
  await app.showCustomer(id);
  await tabTo(page, /^button\|Choose/);
  await page.keyboard.press("Enter");
  await app.dialog().waitFor();
  assert.match(await focused(page), /^h2\|PT Papan Ketik was changed/, "it begins at the heading");

  await page.keyboard.press("Escape");
  await app.dialog().waitFor({ state: "hidden" });
  await settles("the focus is back", async () => assert.match(await focused(page), /^button\|Choose/));
  await page.locator("main .card-head record-badge").getByText("Choice put off").waitFor();

  await page.keyboard.press("Enter");
  await app.dialog().waitFor();
  await tabTo(page, /^button\|Save choice/);
  await page.keyboard.press("Enter");
  assert.match(await focused(page), /^input\|mine/, "what is missing has the focus");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(page), /^input\|theirs/, "arrows go through the choices");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(page), /^input\|mine/, "and round, past another value");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /Another value for/, "Tab goes into another value");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Dengan jari");
  await tabTo(page, /^input\|mine/);
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await app.dialog().waitFor({ state: "hidden" });
  await page.locator(".toasts").getByText("Choice saved").waitFor();
  await settles("the focus is at the heading of the page", async () => assert.match(await focused(page), /^h1\|PT Papan Ketik/));
  await app.shows("Address", "Dengan jari");
  await app.shows("Contact person", "Budi");
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "the conflict dialog and the inbox by keyboard, at 320 px with text at 200 %, in both languages; axe finds nothing",
  limitMs: 300_000,
  async run(world) {
    const device = await world.device("phone", { width: 320, height: 640 });
    const app = await world.signedIn(device, "budi");
    const { page } = app;
    const clash = await Clash.on(world, device);
    const long = "Gudang belakang pasar, tanya Pak Slamet. Bawa contoh kopi baru.";
    const [fields, deleted, notes] = await clash.shared([
      { name: "PT Papan Ketik", contact: "A", address: "Jl. Lama" },
      { name: "PT Terhapus Panjang Sekali Namanya Supaya Membungkus", contact: "A", email: "lama@example.co" },
      { name: "PT Catatan", notes: long, tags: ["kopi"] },
    ]);
    clash.away();
    await clash.edit(fields, { contact: "Budi", address: "Jl. Budi" });
    await clash.edit(deleted, { contact: "Budi", email: "budi.santoso.yang.panjang@example.co" });
    await clash.edit(notes, { notes: long.replace("belakang", "depan") });
    await clash.serverEdits([
      { id: fields, patch: { contact: "Ahmad", address: "Jl. Ahmad", city: "Bogor" } },
      { id: deleted, patch: null },
      { id: notes, patch: { notes: long.replace("Slamet", "Joko") } },
    ]);
    await clash.back();
    await clash.waits(3);

    world.step("how it looks, for eyes and for axe");
    await looks(app, fields, "two fields");
    await looks(app, deleted, "a deletion");
    await looks(app, notes, "a long text");

    world.step("what differs is said, not only shown");
    await app.showCustomer(notes);
    const dialog = await app.choose();
    assert.equal(await dialog.locator("label.card ins, label.card del").count() >= 4, true);
    assert.match(await dialog.locator("label.card").first().innerText(), /removed:\s*belakang.*added:\s*depan/s);
    await page.keyboard.press("Escape");

    world.step("by keyboard");
    await byKeyboard(app, fields);

    world.step("the inbox by keyboard: the focus goes to the next one");
    await app.go("Sync");
    await page.locator("sync-centre #conflicts li.row").first().waitFor();
    await nothingFound(page, "the inbox");
    for (const language of LANGUAGES) {
      await app.speak(language);
      await app.load("/sync");
      await page.locator("sync-centre #conflicts li.row").first().waitFor();
      await page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
      await fits(page, `the inbox, ${language}, 200%`);
    }
    await app.load("/sync");
    await page.locator("sync-centre #conflicts li.row").first().waitFor();
    await fits(page, "the inbox");
    const choose = page.locator("sync-centre #conflicts button.primary");
    assert.equal(await choose.count(), 2);
    await choose.first().focus();
    await page.keyboard.press("Enter");
    await app.dialog().waitFor();
    await page.keyboard.press("Escape");
    await app.dialog().waitFor({ state: "hidden" });
    await settles("the focus is back, though the list was drawn anew", async () => assert.match(await focused(page), /^button\|Choose/));
    await page.keyboard.press("Enter");
    await app.dialog().waitFor();
    await tabTo(page, /^input\|(mine|theirs)/);
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
    await app.dialog().waitFor({ state: "hidden" });
    await until("one is left", async () => (await choose.count()) === 1);
    await settles("it has the focus", async () => assert.match(await focused(page), /^button\|Choose/));
  },
};
