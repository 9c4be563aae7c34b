import { ago } from "../format.js";
import { deviceLanguage, translator } from "../i18n.js";
import { DIALOG_CSS } from "./conflict-style.js";
import { deletionBody } from "./conflict-deletion.js";
import { FieldChoice } from "./conflict-field.js";
import { h } from "./h.js";
import { openShadow, sheet } from "./styles.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @typedef {import("../types").Conflict} Conflict
 * @typedef {import("../types").Choices} Choices
 * @typedef {{ name: string, read(): Choices[string] | undefined, focus(): void, complain(text: string): void,
 *   choose(what: "mine" | "theirs" | "both"): void, canMerge: boolean, node: HTMLElement }} Question
 */

/** @type {CSSStyleSheet | undefined} */
let own;

/**
 * `<conflict-dialog>`: puts one conflict to the user.
 *
 * `ask(conflict)` resolves with the choices, or with undefined for "later" (also Escape). Nothing is chosen beforehand.
 *
 * @prop {Schema} schema `client.schema`: what the fields are.
 * @prop {"en" | "id"} language
 * @prop {string} user `client.user`: to say "you, on another phone".
 * @prop {NameOf} nameOf The name of a record that a field refers to.
 */
export class ConflictDialog extends HTMLElement {
  #root = openShadow(this, (own ??= sheet(DIALOG_CSS)));
  #dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-labelledby": "title" }));
  /** @type {((choices: Choices | undefined) => void) | undefined} */
  #settle;
  /** @type {Question[]} */
  #questions = [];

  language = deviceLanguage();
  user = "";
  /** @type {import("./values.js").Schema | undefined} */
  schema;
  /** @type {import("./values.js").NameOf | undefined} */
  nameOf;

  constructor() {
    super();
    this.#root.append(this.#dialog);
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Or Chromium closes it unasked the second time.
      this.#end(undefined);
    });
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#end(undefined));
  }

  /** @param {Conflict} conflict @param {{ moved?: boolean }} [options] Moved: it was shown before, and theirs changed meanwhile. */
  ask(conflict, { moved = false } = {}) {
    this.#end(undefined);
    const opener = deepActive();
    const t = translator(this.language);
    const whole = conflict.kind !== "fields";
    this.#questions = whole
      ? [deletionBody(conflict, this)]
      : conflict.fields.map((field) => new FieldChoice(conflict, field, this));
    const heading = h(
      "h2",
      { id: "title", tabIndex: -1 },
      t(whole ? `conflict.${conflict.kind}` : "conflict.title", { title: conflict.title }),
    );
    const form = h(
      "form",
      { method: "dialog", noValidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      h(
        "div.head",
        null,
        heading,
        moved && h("p.notice", { role: "alert" }, t("conflict.moved")),
        whole ? null : this.#merged(conflict),
      ),
      h(
        "div.questions",
        null,
        whole ? null : this.#quick(),
        this.#questions.map(({ node }) => node),
      ),
      h(
        "div.foot",
        null,
        h("button.button.quiet", { type: "button", onclick: () => this.#end(undefined) }, t("conflict.later")),
        h("button.button.primary", { type: "submit" }, t("conflict.save")),
      ),
    );
    this.#dialog.lang = this.language;
    this.#dialog.replaceChildren(form);
    this.#dialog.showModal();
    heading.focus();
    return new Promise((/** @type {(choices: Choices | undefined) => void} */ resolve) => {
      this.#settle = (choices) => {
        resolve(choices);
        if (opener?.isConnected) opener.focus();
      };
    });
  }

  /** "5 min ago, this phone" @param {Conflict} conflict */
  whenMine(conflict) {
    return translator(this.language)("conflict.here", { when: ago(this.language, conflict.savedAt) });
  }

  /** "Ahmad (RM), 2 min ago" @param {import("../types").By | undefined} by @param {number | undefined} at */
  whoAndWhen(by, at) {
    return translator(this.language)("conflict.who", { who: this.who(by), when: at ? ago(this.language, at) : "" }).replace(
      /, $/,
      "",
    );
  }

  /** @param {import("../types").By | undefined} by */
  who(by) {
    const t = translator(this.language);
    if (!by) return t("conflict.someone");
    return by.id === this.user ? t("conflict.you-elsewhere") : by.role ? `${by.name} (${by.role})` : by.name;
  }

  /** What merged by itself is shown, so that nothing happens in silence. @param {Conflict} conflict */
  #merged(conflict) {
    const t = translator(this.language);
    const need = h("span", null, t("conflict.need", { n: conflict.fields.length }));
    if (!conflict.mergedFields.length) return h("p.facts", null, need);
    const rows = conflict.mergedFields.map((field) => {
      const spec = specOf(this.schema, conflict.collection, field);
      const value = textOf(spec, field, (conflict.mine ?? conflict.theirs)?.[field], this.language, this.nameOf);
      return h("li", null, `${labelOf(conflict.collection, field, this.language)}: ${value}`);
    });
    return h(
      "div.facts",
      null,
      need,
      h("details", null, h("summary", null, t("conflict.merged", { n: rows.length })), h("ul", null, rows)),
    );
  }

  #quick() {
    const t = translator(this.language);
    const fill = (/** @type {"mine" | "theirs" | "both"} */ what) => () =>
      this.#questions.forEach((question) => question.choose(what));
    const several = this.#questions.length > 1;
    const both = this.#questions.some(({ canMerge }) => canMerge);
    if (!several && !both) return null;
    return h(
      "div.quick",
      null,
      several && h("button.button.small", { type: "button", onclick: fill("mine") }, t("conflict.all-mine")),
      several && h("button.button.small", { type: "button", onclick: fill("theirs") }, t("conflict.all-theirs")),
      both && h("button.button.small", { type: "button", onclick: fill("both") }, t("conflict.both")),
    );
  }

  /** Saving is never disabled: pressed too early, it goes to what is missing. @param {Event} event */
  #submit(event) {
    event.preventDefault();
    /** @type {Choices} */
    const choices = {};
    for (const question of this.#questions) {
      const choice = question.read();
      if (choice === undefined) {
        question.complain(translator(this.language)("conflict.missing"));
        question.focus();
        return;
      }
      choices[question.name] = choice;
    }
    this.#end(choices);
  }

  /** @param {Choices | undefined} choices */
  #end(choices) {
    if (this.#dialog.open) this.#dialog.close();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(choices);
  }
}

/** What has the focus, inside shadow trees too. */
function deepActive() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return /** @type {HTMLElement | null} */ (active);
}
