import { translator } from "../i18n.js";
import { barLine } from "./bar-line.js";
import { DrawnElement } from "./drawn.js";
import { h } from "./h.js";
import { icon } from "./icons.js";
import { openShadow, sheet } from "./styles.js";

const ANNOUNCE_AFTER_MS = 1_000;
const TICK_MS = 1_000;
const TICK_SLOW_MS = 30_000;

const CSS = `
:host { display: block; }
.bar { display: flex; align-items: stretch; min-height: 44px; background: var(--_tone-bg); color: var(--_tone); border-block-end: 1px solid color-mix(in srgb, var(--_tone) 22%, transparent); }
.line { flex: 1; min-width: 0; display: flex; align-items: center; gap: .5rem; padding: .375rem 0 .375rem var(--bar-inset, 1rem); border: 0; background: none; text-align: start; font-size: .875rem; line-height: 1.3; font-weight: 600; }
.more { font-weight: 500; }
.act { flex: none; padding: .375rem 1rem; border: 0; background: none; font-size: .875rem; font-weight: 700; text-decoration: underline; text-underline-offset: 3px; text-decoration-thickness: 1px; }
.act .icon { display: block; width: 1.125rem; height: 1.125rem; }
.act:hover, .line:hover { background: color-mix(in srgb, var(--_tone) 9%, transparent); }
:focus-visible { outline-color: currentColor; outline-offset: -4px; }
.sending .icon { animation: turn 1.6s linear infinite; }
@keyframes turn { to { transform: rotate(360deg); } }
@media (prefers-reduced-motion: reduce) { .sending .icon { animation: none; } }
@media (forced-colors: active) { .bar { border: 2px solid CanvasText; } }
`;
/** @type {CSSStyleSheet | undefined} */
let own;

/**
 * `<sync-status-bar>`: one line that says how things stand with the server.
 *
 * @prop {SyncStatus} status What `client.status` is, and each "syncstatuschange" brings.
 * @prop {"en" | "id"} language Default: the browser's.
 * @event sync-requested The user wants to send and fetch now.
 * @event review-requested The user wants to see the unsent work; detail `{ what }`: failed, conflicts, unsent, space, lost or all.
 * @event sign-in-requested @event reload-requested @event pause-requested @event resume-requested
 * @csspart bar
 */
export class SyncStatusBar extends DrawnElement {
  #root = openShadow(this, (own ??= sheet(CSS)));
  #bar = h("div.bar", { part: "bar" });
  /** Exists empty from the start: screen readers speak what is put in, not what comes with the region. */
  #region = h("div.sr", { role: "status" });
  /** @type {import("../types").SyncStatus | undefined} */
  #status;
  #said = "";
  #drawn = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #announce;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tick;

  constructor() {
    super();
    this.#root.append(this.#bar, this.#region);
  }

  get status() {
    return this.#status;
  }

  set status(status) {
    this.#status = status;
    this.draw();
  }

  disconnectedCallback() {
    clearTimeout(this.#tick);
    clearTimeout(this.#announce);
  }

  draw() {
    if (!this.isConnected || !this.#status) return;
    const line = barLine(this.#status, this.language, Date.now());
    const { state } = line;
    const drawn = JSON.stringify([this.language, line]);
    if (drawn !== this.#drawn) this.#fill(state, line);
    this.#drawn = drawn;
    this.#announceState(state, [line.text, ...line.more].join(" · "));
    clearTimeout(this.#tick);
    this.#tick = setTimeout(() => this.draw(), state === "waiting" ? TICK_MS : TICK_SLOW_MS);
  }

  /** @param {string} state @param {import("./bar-line.js").Line} line */
  #fill(state, line) {
    const t = translator(this.language);
    const held = this.#root.activeElement?.className.split(" ")[0];
    const more = line.more.length ? h("span.more", null, ` · ${line.more.join(" · ")}`) : null;
    const all = () => this.#emit("review-requested", { what: "all" });
    const text = h(
      "button.line",
      { type: "button", onclick: all },
      icon(line.icon),
      h("span", { lang: this.language }, line.text, more),
      h("span.sr", null, `. ${t("bar.open")}`),
    );
    const { act } = line;
    this.#bar.className = `bar ${line.tone} ${state}`;
    this.#bar.dataset.state = state;
    this.#bar.replaceChildren(text);
    if (act) this.#bar.append(this.#action(act, state, t));
    if (held) this.#bar.querySelector(`.${held}`)?.focus(); // Redrawn under the finger: the focus stays.
  }

  /** When all is well, or it goes by itself, the word gives way to a shape: there is nothing to urge. @param {import("./bar-line.js").Act} act @param {string} state @param {import("../i18n.js").Translate} t */
  #action(act, state, t) {
    const word = t(act.word);
    const calm = state === "synced" || state === "offline";
    return h(
      "button.act",
      { type: "button", title: calm && word, onclick: () => this.#emit(act.event, act.detail) },
      calm ? [icon("arrows"), h("span.sr", null, word)] : word,
    );
  }

  /** Changes of state only, and only one that lasts: never the ticks of a countdown. @param {string} state @param {string} text */
  #announceState(state, text) {
    if (state === this.#said) return clearTimeout(this.#announce);
    clearTimeout(this.#announce);
    this.#announce = setTimeout(() => {
      // What the page shows when it opens is no change.
      if (this.#said) this.#region.textContent = text;
      this.#said = state;
    }, ANNOUNCE_AFTER_MS);
  }

  /** @param {string} type @param {object} [detail] */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}
