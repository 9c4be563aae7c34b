/** One field of a conflict: yours, the server's, another value; and what it was before. */
import { translator } from "../i18n.js";
import { h } from "./h.js";
import { makeInput } from "./inputs.js";
import { labelOf, mergeBoth, specOf, textOf } from "./values.js";

/** @typedef {import("./conflict-dialog.js").ConflictDialog} ConflictDialog */

/** @implements {Question} */
export class FieldChoice {
  /** @type {"mine" | "theirs" | "other" | undefined} */
  #chosen;
  /** @type {import("./inputs.js").Input | undefined} */
  #input;
  /** @type {HTMLInputElement[]} */
  #radios = [];
  #error = h("p.error", { role: "alert" });
  /** @type {import("../types").Value | undefined} */
  #both;

  /** @param {import("../types").Conflict} conflict @param {import("../types").ConflictField} field @param {ConflictDialog} dialog */
  constructor(conflict, field, dialog) {
    const { collection } = conflict;
    const { language } = dialog;
    const t = translator(language);
    const spec = specOf(dialog.schema, collection, field.field);
    const label = labelOf(collection, field.field, language);
    const show = (/** @type {import("../types").Value} */ value) =>
      textOf(spec, field.field, value, language, dialog.nameOf);
    this.name = field.field;
    this.#both = mergeBoth(spec, field.mine, field.theirs, field.before);
    this.#input = makeInput(spec, field.field, this.#both ?? field.mine, {
      language,
      label: t("conflict.other-value", { field: label }),
    });
    this.node = h(
      "fieldset",
      null,
      h("legend", null, label),
      h("p.before", null, t("conflict.before", { value: show(field.before) })),
      this.#card("mine", t("conflict.mine"), dialog.whenMine(conflict), show(field.mine)),
      this.#card(
        "theirs",
        t("conflict.theirs"),
        dialog.whoAndWhen(field.by ?? conflict.by, field.at ?? conflict.at),
        show(field.theirs),
      ),
      this.#other(t("conflict.other")),
      this.#error,
    );
  }

  get canMerge() {
    return this.#both !== undefined && this.#input !== undefined;
  }

  /** @returns {import("../types").Choices[string] | undefined} */
  read() {
    return this.#chosen === "other" ? this.#input && { value: this.#input.read() } : this.#chosen;
  }

  focus() {
    this.#radios[0].focus();
  }

  /** @param {string} text */
  complain(text) {
    this.#error.textContent = text;
  }

  /** A quick choice fills; it does not save. @param {"mine" | "theirs" | "both"} what */
  choose(what) {
    if (what === "both" && !this.canMerge) return;
    const wanted = what === "both" ? "other" : what;
    const radio = this.#radios.find(({ value }) => value === wanted);
    if (radio) radio.checked = true;
    this.#choose(wanted);
    const typed = /** @type {HTMLInputElement | undefined} */ (this.#input?.node);
    if (what === "both" && typed) typed.value = Array.isArray(this.#both) ? this.#both.join(", ") : String(this.#both);
  }

  /** @param {"mine" | "theirs" | "other"} value */
  #choose(value) {
    this.#chosen = value;
    this.complain("");
    if (this.#input) this.#input.node.hidden = value !== "other";
  }

  /** @param {"mine" | "theirs" | "other"} value */
  #radio(value) {
    const radio = h("input", { type: "radio", name: `choice-${this.name}`, value, onchange: () => this.#choose(value) });
    this.#radios.push(radio);
    return radio;
  }

  /** @param {"mine" | "theirs"} value @param {string} title @param {string} source @param {string} shown */
  #card(value, title, source, shown) {
    return h(
      "label.card",
      null,
      this.#radio(value),
      h(
        "span.words",
        null,
        h("span.source", null, h("b", null, title), h("span.muted", null, ` · ${source}`)),
        h("span.value", null, shown),
      ),
    );
  }

  /** @param {string} title */
  #other(title) {
    if (!this.#input) return null;
    const { node } = this.#input;
    node.hidden = true;
    const radio = this.#radio("other");
    radio.addEventListener("change", () => node.focus());
    return h("div.card.other", null, h("label", null, radio, h("b", null, title)), node);
  }
}

/** @typedef {import("./conflict-dialog.js").Question} Question */
