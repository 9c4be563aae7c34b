/** The demo CRM as a person uses it: by what is on the screen. */
import { settles, until } from "./until.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {Record<string, string>} Values By the field's name in the schema. */

/** What the status bar says when everything is well. */
export const UP_TO_DATE = /^Up to date/;

export class App {
  /** @param {Page} page @param {string} origin */
  constructor(page, origin) {
    this.page = page;
    this.origin = origin;
  }

  /** Loads a page of the app anew, as a deep link does. @param {string} [path] */
  async load(path = "/") {
    await this.page.goto(this.origin + path, { waitUntil: "domcontentloaded" });
    return this;
  }

  /** Signs in where the app asks for it, and waits until the first data is here. @param {string} username */
  async signIn(username) {
    await this.load("/sign-in");
    await this.fillSignIn(username);
    await this.says(UP_TO_DATE, 60_000);
    await this.workerIsThere();
  }

  /** @param {string} username */
  async fillSignIn(username) {
    await this.page.getByLabel("User name").fill(username);
    await this.page.getByLabel("Password").fill("demo1234");
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.page.locator("sync-status-bar").waitFor();
  }

  /** Until the worker serves the next load, whatever becomes of the server. */
  async workerIsThere() {
    await until("the worker is active", () => this.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === "activated"));
  }

  /** The bar's line, as it is read. */
  async bar() {
    return (await this.page.locator("sync-status-bar button.line > span").first().innerText()).trim();
  }

  /** The bar's state. */
  async state() {
    return this.page.locator("sync-status-bar .bar").getAttribute("data-state");
  }

  /** Waits for the bar. @param {RegExp} words @param {number} [limitMs] */
  async says(words, limitMs = 30_000) {
    let last = "";
    const said = async () => words.test((last = await this.bar()));
    await until(`the bar says ${words}`, said, limitMs).catch((error) => {
      throw new Error(`${error.message}; it says “${last}”`);
    });
  }

  /** Everything is sent and fetched. @param {number} [limitMs] */
  async upToDate(limitMs = 30_000) {
    await this.says(UP_TO_DATE, limitMs);
  }

  /** Presses what the bar offers: Sync now, Send now, Choose, Sign in. */
  async pressBar() {
    await this.page.locator("sync-status-bar button.act").click();
  }

  /** A place of the navigation. @param {"Today" | "Customers" | "Pipeline" | "Sync" | "Settings"} name */
  async go(name) {
    await this.page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  }

  /** Finds a customer by typing, and opens it. @param {string} name */
  async openCustomer(name) {
    await this.go("Customers");
    await this.search(name);
    await this.page.locator("main a.row").filter({ hasText: name }).first().click();
    await this.page.locator("main .card-head").waitFor();
    return new URL(this.page.url()).pathname.split("/")[2];
  }

  /** @param {string} text */
  async search(text) {
    await this.page.getByRole("searchbox").fill(text);
  }

  /** How many rows a search shows. @param {string} text */
  async found(text) {
    await this.go("Customers");
    await this.search(text);
    await this.page.waitForTimeout(300);
    // The search index grows while the page is idle; until then the list says that it is still loading.
    await this.page.locator("main").getByText("Still loading").waitFor({ state: "hidden", timeout: 10_000 }).catch(() => {});
    return this.page.locator("main a.row").count();
  }

  /** Types into the form's fields. @param {Values} values */
  async fill(values) {
    for (const [field, value] of Object.entries(values)) {
      const input = this.page.locator(`#field-${field}`);
      if ((await input.evaluate((node) => node.tagName)) === "SELECT") await input.selectOption(value);
      else await input.fill(value);
    }
  }

  async save() {
    await this.page.locator("main form").getByRole("button", { name: "Save", exact: true }).click();
  }

  /** Gives back the id. @param {Values} values */
  async createCustomer(values) {
    await this.go("Customers");
    await this.page.getByRole("link", { name: "New customer" }).click();
    await this.fill(values);
    await this.save();
    await this.page.waitForURL(/\/customers\/[0-9a-f-]{36}$/);
    return new URL(this.page.url()).pathname.split("/")[2];
  }

  /** The form of a customer whose page is open. */
  async openForm() {
    await this.page.locator("main").getByRole("link", { name: "Edit", exact: true }).click();
    await this.page.locator("#field-name").waitFor();
  }

  /** @param {string} name @param {Values} values */
  async editCustomer(name, values) {
    const id = await this.openCustomer(name);
    await this.openForm();
    await this.fill(values);
    await this.save();
    await this.page.waitForURL(/\/customers\/[0-9a-f-]{36}$/);
    return id;
  }

  /** @param {string} name */
  async deleteCustomer(name) {
    const id = await this.openCustomer(name);
    await this.page.locator("main").getByRole("button", { name: "Delete", exact: true }).click();
    await this.page.waitForURL(/\/customers(\?.*)?$/);
    return id;
  }

  /** Opens a record's page by its address within the app's own routes. @param {string} id */
  async showCustomer(id) {
    await this.load(`/customers/${id}`);
    await this.page.locator("main .card-head").waitFor();
  }

  /** A fact on a customer's page. @param {string} label */
  async fact(label) {
    const facts = this.page.locator("main dl.facts");
    return (await facts.locator(`dt:text-is("${label}") + dd`).innerText()).trim();
  }

  /** From the next load on. @param {"en" | "id"} language */
  async speak(language) {
    await this.page.evaluate((language) => localStorage.setItem("fieldsync-language", language), language);
  }

  /** @param {string} label @param {string} value @param {number} [limitMs] */
  async shows(label, value, limitMs = 15_000) {
    await settles(`${label} is ${value}`, async () => {
      const shown = await this.fact(label);
      if (shown !== value) throw new Error(`it is ${shown}`);
    }, limitMs);
  }

  /** The open conflict dialog. */
  dialog() {
    return this.page.locator("conflict-dialog dialog[open]");
  }

  /** Opens the dialog from the customer's page. */
  async choose() {
    await this.page.locator("main .banner").getByRole("button", { name: "Choose" }).click();
    await this.dialog().waitFor();
    return this.dialog();
  }

  /** Picks in the dialog, field by field: by the field's label. @param {Record<string, "Yours" | "Server's" | { value: string }>} choices */
  async decide(choices) {
    for (const [label, choice] of Object.entries(choices)) {
      const question = this.dialog().locator("fieldset").filter({ has: this.page.locator(`legend:text-is("${label}")`) });
      if (typeof choice === "string") {
        await question.locator(`input[value=${choice === "Yours" ? "mine" : "theirs"}]`).check();
      } else {
        await question.locator("input[value=other]").check();
        await question.getByLabel(`Another value for ${label}`).fill(choice.value);
      }
    }
    await this.saveChoice();
  }

  async saveChoice() {
    await this.dialog().getByRole("button", { name: "Save choice" }).click();
    await this.dialog().waitFor({ state: "hidden" });
  }
}
