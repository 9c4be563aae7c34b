/** One field of a conflict: yours, the server's, both, another value; and what it was before. */
import { translator } from "../i18n.js";
import { marked, markedList } from "./diff.js";
import { h } from "./h.js";
import { makeInput } from "./inputs.js";
import { mergeBoth } from "./merge-both.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @typedef {import("./conflict-dialog.js").ConflictDialog} ConflictDialog
 * @typedef {import("../types").Value} Value
 * @typedef {"mine" | "theirs" | "both" | "other"} Chosen
 */

/** @implements {Question} */
export class FieldChoice {
  /** @type {Chosen | undefined} */
  #chosen;
  /** @type {import("./inputs.js").Input | undefined} */
  #input;
  /** @type {HTMLInputElement[]} */
  #radios = [];
  #error;
  /** @type {Value | undefined} */
  #both;

  /** @param {import("../types").Conflict} conflict @param {import("../types").ConflictField} field @param {ConflictDialog} dialog */
  constructor(conflict, field, dialog) {
    const { language } = dialog;
    const t = translator(language);
    const spec = specOf(dialog.schema, conflict.collection, field.field, [field.mine, field.theirs, field.before]);
    const label = labelOf(conflict.collection, field.field, language);
    const show = (/** @type {Value} */ value) => textOf(spec, field.field, value, language, dialog.name);
    const { before, mine, theirs } = field;
    this.name = field.field;
    this.#error = h("p.error", { role: "alert", id: `error-${field.field}` });
    this.#both = mergeBoth(spec, mine, theirs, before);
    this.#input = makeInput(spec, field.field, this.#both ?? mine, {
      language,
      label: t("conflict.other-value", { field: label }),
    });
    this.#input?.node.setAttribute("aria-describedby", this.#error.id);
    const value = (/** @type {Value} */ shown, /** @type {Value} */ other) => drawn(shown, filled(before) ? before : other, show, language);
    this.node = h(
      "fieldset",
      null,
      h("legend", null, label),
      !conflict.madeTwice && h("p.before", null, t("conflict.before", { value: show(before) })),
      this.#card("mine", t("conflict.mine"), dialog.whenMine(conflict), value(mine, theirs)),
      this.#card("theirs", t("conflict.theirs"), dialog.whoAndWhen(field.by ? field : conflict), value(theirs, mine)),
      this.#both !== undefined && this.#card("both", t("conflict.both"), t("conflict.both.hint"), value(this.#both, mine)),
      this.#other(t("conflict.other")),
      this.#error,
    );
  }

  get canMerge() {
    return this.#both !== undefined;
  }

  /** @returns {import("../types").Choices[string] | undefined} */
  read() {
    if (this.#chosen === "both" && this.#both !== undefined) return { value: this.#both };
    if (this.#chosen === "other") return this.#input && { value: this.#input.read() };
    return this.#chosen === "both" ? undefined : this.#chosen;
  }

  focus() {
    if (this.#chosen === "other" && this.#input) this.#input.node.focus();
    else (this.#radios.find(({ checked }) => checked) ?? this.#radios[0]).focus();
  }

  /** @param {string} text */
  complain(text) {
    this.#error.textContent = text;
    this.#input?.node.setAttribute("aria-invalid", String(Boolean(text) && this.#chosen === "other"));
  }

  /** A quick choice fills; it does not save. @param {"mine" | "theirs" | "both"} what */
  choose(what) {
    const radio = this.#radios.find(({ value }) => value === what);
    if (!radio) return;
    radio.checked = true;
    this.#choose(what);
  }

  /** @param {Chosen} value */
  #choose(value) {
    this.#chosen = value;
    this.complain("");
    if (this.#input) this.#input.node.hidden = value !== "other";
  }

  /** @param {Chosen} value */
  #radio(value) {
    const radio = h("input", { type: "radio", name: `choice-${this.name}`, value, onchange: () => this.#choose(value) });
    this.#radios.push(radio);
    return radio;
  }

  /** @param {Chosen} value @param {string} title @param {string} source @param {any} shown */
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

  /** The input is there once it is chosen; the keyboard reaches it with Tab, so that arrows can still go through the choices. @param {string} title */
  #other(title) {
    if (!this.#input) return null;
    const { node } = this.#input;
    node.hidden = true;
    const radio = this.#radio("other");
    // A finger or a mouse wants to type now.
    radio.addEventListener("click", (/** @type {PointerEvent} */ event) => event.detail > 0 && node.focus());
    return h("div.card.other", null, h("label", null, radio, h("b", null, title)), node);
  }
}

/** @param {Value} value */
function filled(value) {
  return value !== null && value !== "" && !(Array.isArray(value) && !value.length);
}

/** @param {Value} shown @param {Value} before @param {(value: Value) => string} show @param {import("../i18n.js").Language} language */
function drawn(shown, before, show, language) {
  if (Array.isArray(shown) && shown.length) return markedList(shown.map(String), Array.isArray(before) ? before.map(String) : [], language);
  if (!filled(shown)) return h("span.none", null, show(shown));
  return marked(show(shown), filled(before) ? show(before) : "", language);
}

/** @typedef {import("./conflict-dialog.js").Question} Question */
