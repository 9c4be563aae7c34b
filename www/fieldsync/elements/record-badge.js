import { moment } from "../format.js";
import { translator } from "../i18n.js";
import { DrawnElement } from "./drawn.js";
import { h } from "./h.js";
import { icon } from "./icons.js";
import { openShadow, sheet } from "./styles.js";

const CSS = `
:host { display: inline-block; max-width: 100%; }
.badge { display: inline-flex; align-items: center; gap: .3rem; padding: .125rem .5rem; border: 0; border-radius: 1rem; background: var(--_tone-bg); color: var(--_tone); font-size: .75rem; line-height: 1.35; font-weight: 600; text-align: start; overflow-wrap: break-word; }
button.badge { min-height: 28px; padding-inline: .625rem; }
.sent { background: none; color: var(--_soft); padding-inline: 0; }
@media (forced-colors: active) { .badge { border: 1px solid CanvasText; } }
`;
/** @type {CSSStyleSheet | undefined} */
let own;

/** @type {{ [status: string]: [icon: string, tone: string] }} */
const LOOKS = {
  failed: ["octagon", "bad"],
  conflict: ["split", "ask"],
  sending: ["arrows", "busy"],
  pending: ["cloud-up", "busy"],
  unknown: ["hourglass", "busy"],
  merged: ["merge", "off"],
};

/** What a status has a word of its own for. @param {string} status @param {import("../types").RecordView} record */
function specially(status, record) {
  if (status === "conflict" && record.putOff) return "put-off";
  if (status !== "pending") return undefined;
  return record.blockedBy ? "blocked" : record.unknown ? "unknown" : undefined;
}

/**
 * `<record-badge>`: how one record stands with the server. Nothing when it is synced: that is what one expects.
 *
 * @prop {RecordView} record
 * @prop {"en" | "id"} language
 * @attr story Makes it a button; not inside a link.
 * @attr sent Says "✓ Sent · 10:42" when synced: for a detail page.
 * @event story-requested The user wants to know what happened to the record; detail `{ collection, id }`.
 */
export class RecordBadge extends DrawnElement {
  #root = openShadow(this, (own ??= sheet(CSS)));
  /** @type {import("../types").RecordView | undefined} */
  #record;

  get record() {
    return this.#record;
  }

  set record(record) {
    this.#record = record;
    this.draw();
  }

  draw() {
    const record = this.#record;
    if (!record || !this.isConnected) return;
    const t = translator(this.language);
    const status = record.status !== "synced" ? record.status : record.merged ? "merged" : undefined;
    if (!status) return this.#root.replaceChildren(...this.#sent(record, t));
    const special = specially(status, record) ?? status;
    const [shape, tone] = LOOKS[special] ?? LOOKS[status];
    const words = t(`badge.${special}`);
    this.#root.replaceChildren(this.#make(`${tone}`, words, icon(shape), words, t));
  }

  /** @param {import("../types").RecordView} record @param {import("../i18n.js").Translate} t */
  #sent(record, t) {
    const at = record.at;
    if (!this.hasAttribute("sent") || !at) return [];
    const words = t("badge.sent", { time: moment(this.language, at) });
    return [this.#make("sent", words, null, words, t)];
  }

  /** @param {string} tone @param {string} status @param {Node | null} shape @param {string} words @param {import("../i18n.js").Translate} t */
  #make(tone, status, shape, words, t) {
    if (!this.hasAttribute("story")) return h(`span.badge.${tone}`, null, shape, words);
    return h(
      `button.badge.${tone}`,
      { type: "button", title: t("badge.story", { status }), onclick: () => this.#ask() },
      shape,
      words,
    );
  }

  #ask() {
    const { collection, id } = /** @type {import("../types").RecordView} */ (this.#record);
    this.dispatchEvent(new CustomEvent("story-requested", { detail: { collection, id }, bubbles: true, composed: true }));
  }
}
