/** What is around every page: navigation, header, status bar, the conflict dialog. */
import { h, icon } from "../fieldsync/index.js";

/** @typedef {import("./main.js").App} App */

/** @type {[path: string, section: string, shape: string][]} */
const PLACES = [
  ["/", "today", "today"],
  ["/customers", "customers", "people"],
  ["/pipeline", "pipeline", "board"],
  ["/sync", "sync", "arrows"],
  ["/settings", "settings", "gear"],
];

export class Shell {
  #app;
  #bar = /** @type {import("../fieldsync/elements/sync-status-bar.js").SyncStatusBar} */ (h("sync-status-bar"));
  dialog = /** @type {import("../fieldsync/elements/conflict-dialog.js").ConflictDialog} */ (h("conflict-dialog"));
  #nav = h("nav.places");
  #head = h("header.head");
  #main = h("main", { id: "main", tabIndex: -1 });
  #root = /** @type {HTMLElement} */ (document.getElementById("app"));
  #first = true;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.#bar.addEventListener("sync-requested", () => void app.sync.sync());
    this.#bar.addEventListener("review-requested", (event) =>
      app.go(`/sync?show=${/** @type {CustomEvent} */ (event).detail.what}`),
    );
    this.#bar.addEventListener("sign-in-requested", () =>
      app.go(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`),
    );
    this.#bar.addEventListener("pause-requested", () => void app.sync.pause());
    this.#bar.addEventListener("resume-requested", () => void app.sync.resume());
    this.#bar.addEventListener("reload-requested", () => void app.sync.reload());
  }

  /** @param {import("./router.js").Page} page */
  show(page) {
    const { t, session } = this.#app;
    const inside = session.client !== undefined && page.section !== "sign-in";
    document.documentElement.lang = this.#app.language;
    if (page.section === "today") document.title = "Fieldsync";
    else this.retitle(page.title);
    this.#root.className = inside ? "inside" : "outside";
    this.#main.replaceChildren(page.node);
    if (inside) {
      this.#nav.setAttribute("aria-label", t("nav"));
      this.#nav.replaceChildren(
        h("p.brand", { "aria-hidden": "true" }, icon("brand"), "Fieldsync"),
        this.#places(page.section),
      );
      this.#head.replaceChildren(...this.#title(page));
      const top = h("div.top", null, this.#head, this.#bar);
      this.#root.replaceChildren(
        h("a.skip", { href: "#main", onclick: (/** @type {Event} */ event) => this.#skip(event) }, t("skip")),
        this.#nav,
        h("div.stage", null, top, this.#main),
        this.dialog,
      );
    } else this.#root.replaceChildren(this.#main);
    this.status();
    if (!this.#first && page.focus !== false) this.#root.querySelector("h1")?.focus({ preventScroll: true });
    this.#first = false;
  }

  /** @param {string} title */
  retitle(title) {
    document.title = `${title} – Fieldsync`;
    this.#head.querySelector("h1")?.replaceChildren(title);
  }

  status() {
    const { client, profile } = this.#app.session;
    if (!client) return;
    this.#bar.language = this.dialog.language = this.#app.language;
    this.#bar.status = client.status;
    this.dialog.schema = client.schema;
    this.dialog.user = profile?.id ?? "";
    this.dialog.check = client.conflicts.check;
    this.#badgeOnIcon(client.status.failed + client.status.conflicts);
  }

  /** @param {string | undefined} section */
  #places(section) {
    const { t } = this.#app;
    const links = PLACES.map(([path, name, shape]) =>
      h(
        "li",
        null,
        h(
          "a",
          { href: path, "aria-current": name === section ? "page" : undefined },
          icon(shape),
          h("span", null, t(`nav.${name}`)),
        ),
      ),
    );
    return h("ul", null, links);
  }

  /** @param {import("./router.js").Page} page */
  #title(page) {
    const { t } = this.#app;
    const { back } = page;
    const button =
      back &&
      h(
        "button.icon-button",
        { type: "button", "aria-label": t("back"), onclick: () => this.#app.back(back) },
        icon("back"),
      );
    return [button, h("h1", { tabIndex: -1 }, page.title)].filter(Boolean);
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault();
    this.#main.focus();
  }

  /** On an installed app's icon, where there is such a thing. @param {number} count */
  #badgeOnIcon(count) {
    const navigating = /** @type {{ setAppBadge?: (count: number) => Promise<void> }} */ (
      /** @type {unknown} */ (navigator)
    );
    navigating.setAppBadge?.(count).catch(() => {});
  }
}
