import { bytes, moment, time } from "../format.js";
import { translator } from "../i18n.js";
import { CENTRE_CSS } from "./centre-style.js";
import { ROWS_SHOWN, conflictRows, mergedRow, shown } from "./centre-conflicts.js";
import { failedRows, historyRow, otherRow, unsentRow, whyRefused } from "./centre-rows.js";
import { coming, selectionPart } from "./centre-selection.js";
import { DrawnElement } from "./drawn.js";
import { keepingFocus } from "./focus.js";
import { h } from "./h.js";
import { icon } from "./icons.js";
import { openShadow, sheet } from "./styles.js";

/**
 * @typedef {object} CentreData
 * @property {import("../types").SyncStatus} status
 * @property {import("../types").OutboxEntry[]} outbox
 * @property {import("../types").ConflictGroup[]} groups What needs a choice, by cause.
 * @property {import("../types").MergedEntry[]} merged
 * @property {import("../types").HistoryEntry[]} history
 * @property {{ used?: number, quota?: number, persisted: boolean }} [space]
 * @property {import("../types").PreviewEntry[] | "failed"} [preview] After it was asked for.
 * @property {import("../types").OtherDatabase[]} [others]
 * @property {import("./centre-selection.js").SelectionData} [selection] What can be chosen to be on this device.
 */

/** @type {CSSStyleSheet | undefined} */
let own;

/**
 * `<sync-centre>`: what is not sent, what could not be, what needs a choice, what was sent; and the means to act on it.
 *
 * @prop {CentreData} data
 * @prop {"en" | "id"} language
 * @prop {Schema} schema
 * @prop {string} user `client.user`: to say "you, on another phone".
 * @prop {NameOf} nameOf The name of a record that a value refers to.
 * @event sync-requested @event preview-requested @event export-requested @event diagnostics-requested
 * @event retry-all-requested @event discard-all-requested
 * @event discard-some-requested, export-some-requested: detail `{ entries }`, OutboxEntries that have one cause.
 * @event fix-requested, retry-requested, discard-requested, export-one-requested, undo-requested: detail `{ entry }`, an OutboxEntry.
 * @event retry-all-requested
 * @event export-other-requested detail `{ name }`, of a database for another server.
 * @event loss-known The user has read what was lost.
 * @event choose-requested detail `{ conflict }`. @event choose-group-requested detail `{ group }`.
 * @event pause-requested, resume-requested: of what comes just now.
 * @event selection-preview-requested, selection-chosen: detail `{ changes }`, SelectionChanges. Nothing is chosen before its preview was shown.
 * @event put-back-requested detail `{ record, lost }`: write again what a rule set aside.
 * @event open-requested detail `{ collection, id }`.
 * @event language-chosen detail `{ language }`.
 */
export class SyncCentre extends DrawnElement {
  #root = openShadow(this, (own ??= sheet(CENTRE_CSS)));
  #body = h("div.centre");
  /** @type {CentreData | undefined} */
  #data;
  /** @type {import("./values.js").Schema | undefined} */
  schema;
  user = "";
  /** @type {import("./values.js").NameOf | undefined} */
  nameOf;
  /** How many rows of a list are shown. @type {Map<string, number>} */
  #limits = new Map();
  /** What is unfolded, while it is drawn anew. @type {string[]} */
  #open = [];

  constructor() {
    super();
    this.#root.append(this.#body);
  }

  /** What is chosen and not applied yet. @type {Map<string, boolean | import("../types").SelectedPart>} */
  wish = new Map();

  get data() {
    return this.#data;
  }

  set data(data) {
    this.#data = data;
    this.draw();
  }

  /** The name of what a value refers to; never an id. @type {import("./values.js").NameOf} */
  name = (collection, id) => {
    const t = translator(this.language);
    if (collection === "users") return t(id === this.user ? "value.you" : "value.somebody");
    return this.nameOf?.(collection, id) ?? t("value.unknown");
  };

  /** @param {string} type @param {object} [detail] */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  draw() {
    const data = this.#data;
    if (!data) return;
    const active = this.#root.activeElement;
    this.#open = [...this.#body.querySelectorAll("details[open]")].map((details) => details.id);
    this.#body.lang = this.language;
    // Redrawn when anything changes: what was open and what had the focus stay.
    const draw = () => {
      this.#body.replaceChildren(...this.#sections(data).filter(Boolean));
      for (const details of this.#body.querySelectorAll("details")) details.open ||= this.isOpen(details.id);
    };
    keepingFocus(this.#body, draw, active);
  }

  /** @param {string} id */
  isOpen(id) {
    return this.#open.includes(id);
  }

  /** How many rows of a list to show. @param {string} list */
  limit(list) {
    return this.#limits.get(list) ?? ROWS_SHOWN;
  }

  /** @param {string} list */
  showMore(list) {
    this.#limits.set(list, this.limit(list) + ROWS_SHOWN);
    this.draw();
  }

  /** @param {CentreData} data @returns {any[]} */
  #sections({ status, outbox, groups, merged, history, space, preview, selection, others = [] }) {
    const t = translator(this.language);
    const failed = outbox.filter((entry) => entry.status === "failed");
    const unsent = outbox.filter((entry) => entry.status !== "failed" && entry.status !== "conflict");
    const sent = history.filter(
      (entry) => entry.end === "confirmed" && new Date(entry.at).toDateString() === new Date().toDateString(),
    );
    // Records are counted, as in the bar: of each its newest entry, which comes first.
    const today = sent.filter((entry, n) => n === sent.findIndex(({ id }) => id === entry.id));
    return [
      this.#summary(status),
      // Below the button that asked for it, whatever else there is.
      preview && this.#section("centre.preview.title", "preview", this.#preview(preview)),
      status.progress && h("section", { id: "coming", "aria-labelledby": "coming-title" }, coming(this, status)),
      status.lost && this.#lost(status.lost),
      failed.length &&
        this.#section(
          "centre.failed",
          "failed",
          h(
            "div.hint",
            null,
            h("p.muted", null, t("centre.failed.hint")),
            failed.length > 1 && this.#button("centre.retry-all", "retry-all-requested"),
            failed.length > 1 && this.#button("centre.discard-all", "discard-all-requested"),
          ),
          this.#list(failedRows(this, failed)),
        ),
      groups.length && this.#conflicts(groups),
      this.#section(
        "centre.unsent",
        "unsent",
        unsent.length
          ? this.#list(unsent.map((entry) => unsentRow(this, entry)))
          : h("p.muted", null, t(failed.length || groups.length ? "centre.unsent.rest" : "centre.unsent.none")),
        status.state === "stuck" && [
          h("p.note", null, t("centre.stuck")),
          h("div.actions", null, this.#button("centre.diagnostics", "diagnostics-requested")),
        ],
        !status.background && h("p.note", null, t("centre.background")),
      ),
      ...others.filter(({ unsent }) => unsent > 0).map((other) => otherRow(this, other)),
      merged.length && this.#merged(merged),
      this.#section(
        "centre.sent-today",
        "sent",
        today.length
          ? this.#fold(
              "sent-list",
              t("centre.sent-today.count", { n: today.length }),
              this.#list(today.map((entry) => historyRow(this, entry))),
            )
          : h("p.muted", null, t("centre.sent-today.none")),
      ),
      selection && this.#section("centre.selection", "selection", selectionPart(this, selection)),
      this.#device(status, space),
    ];
  }

  /** @param {import("../types").SyncStatus} status */
  #summary(status) {
    const t = translator(this.language);
    const last = status.lastSyncedAt ? moment(this.language, status.lastSyncedAt) : t("centre.never");
    return h(
      "section.summary",
      null,
      h("p", null, h("span.muted", null, t("centre.last")), h("b.last", null, last)),
      h(
        "div.actions",
        null,
        this.#button("do.sync", "sync-requested", "primary"),
        status.pending > 0 && this.#button("centre.preview", "preview-requested"),
      ),
    );
  }

  /** Counted by record, whatever their cause. @param {import("../types").ConflictGroup[]} groups */
  #conflicts(groups) {
    const t = translator(this.language);
    const n = groups.reduce((sum, group) => sum + group.conflicts.length, 0);
    return this.#section(
      "centre.conflicts",
      "conflicts",
      h("p.muted", null, t("centre.conflicts.hint", { n })),
      this.#list(conflictRows(this, groups)),
    );
  }

  /** @param {import("../types").MergedEntry[]} merged */
  #merged(merged) {
    const t = translator(this.language);
    const list = this.#list(shown(this, "merged", merged, (entry) => mergedRow(this, entry)));
    return this.#section("centre.merged", "merged", h("p.muted", null, t("centre.merged.hint", { n: merged.length })), list);
  }

  /** @param {NonNullable<import("../types").SyncStatus["lost"]>} lost */
  #lost({ records, at }) {
    const t = translator(this.language);
    return this.#section(
      "centre.lost",
      "lost",
      h("p.reason", null, icon("alert"), h("span", null, t("bar.lost", { n: records }))),
      h("p.muted", null, t("centre.lost.hint", { time: moment(this.language, at) })),
      h("div.actions", null, this.#button("centre.lost.known", "loss-known")),
    );
  }

  /** @param {NonNullable<CentreData["preview"]>} preview */
  #preview(preview) {
    const t = translator(this.language);
    if (preview === "failed") return h("p.note", { role: "status" }, t("centre.preview.failed"));
    if (!preview.length) return h("p.muted", { role: "status" }, t("centre.preview.none"));
    const rows = preview.map((entry) => {
      const why = entry.problem ? ` – ${whyRefused(this, entry).filter(Boolean).join(" ")}` : "";
      return h("li.row", null, h("span.title", null, entry.title), h("span.muted", null, t(`outcome.${entry.outcome}`), why));
    });
    return h("div.preview", { role: "status" }, this.#list(rows));
  }

  /** @param {import("../types").SyncStatus} status @param {CentreData["space"]} space */
  #device(status, space) {
    const t = translator(this.language);
    const used = space?.used === undefined ? undefined : bytes(this.language, space.used);
    const of = used && space?.quota ? t("centre.space.of", { used, quota: bytes(this.language, space.quota) }) : used;
    const languages = ["en", "id"].map((each) =>
      h("option", { value: each, selected: each === this.language }, t(`language.${each}`)),
    );
    const chosen = (/** @type {Event} */ event) =>
      this.emit("language-chosen", { language: /** @type {HTMLSelectElement} */ (event.target).value });
    const errors = status.errors.map(({ at, code, detail, count }) =>
      h("li", null, `${time(this.language, at)} · ${code}${count > 1 ? ` ×${count}` : ""} · ${detail}`),
    );
    return this.#section(
      "centre.on-this-device",
      "space",
      h(
        "dl",
        null,
        of && [
          h("dt", null, t("centre.space")),
          h("dd", null, of, h("span.muted", null, ` · ${t(space?.persisted ? "centre.kept" : "centre.not-kept")}`)),
        ],
        h("dt", null, h("label", { for: "language" }, t("centre.language"))),
        h("dd", null, h("select", { id: "language", dataset: { key: "language" }, onchange: chosen }, languages)),
      ),
      status.unread && h("p.note", null, t("centre.unread", { n: status.unread })),
      errors.length ? this.#fold("errors", t("centre.errors"), h("ul.errors", null, errors)) : null,
      h(
        "div.actions",
        null,
        this.#button("centre.diagnostics", "diagnostics-requested"),
        status.pending > 0 && this.#button("centre.export", "export-requested"),
      ),
    );
  }

  /** @param {string} title @param {string} id @param {...any} children */
  #section(title, id, ...children) {
    return h(
      "section",
      { "aria-labelledby": `${id}-title`, id },
      h("h2", { id: `${id}-title` }, translator(this.language)(title)),
      children,
    );
  }

  /** @param {any[]} rows */
  #list(rows) {
    return h("ul.rows", null, rows);
  }

  /** @param {string} id @param {string} summary @param {Node} content */
  #fold(id, summary, content) {
    return h("details", { id }, h("summary", { dataset: { key: id } }, summary), content);
  }

  /** @param {string} word @param {string} event @param {string} [look] */
  #button(word, event, look = "small") {
    return h(
      `button.button.${look}`,
      { type: "button", dataset: { key: event }, onclick: () => this.emit(event) },
      translator(this.language)(word),
    );
  }

  /** Brings a part into view: what the status bar's "Review" is about. @param {string} what */
  show(what) {
    const section = /** @type {HTMLElement | null} */ (this.#body.querySelector(`#${CSS.escape(what)}`));
    section?.scrollIntoView({ block: "start" });
  }
}
