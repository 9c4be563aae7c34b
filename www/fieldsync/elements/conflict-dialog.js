import { ago } from "../format.js";
import { deviceLanguage, translator } from "../i18n.js";
import { DIALOG_CSS } from "./conflict-style.js";
import { deletionBody } from "./conflict-deletion.js";
import { FieldChoice } from "./conflict-field.js";
import { groupParts } from "./conflict-group.js";
import { mergedFacts } from "./conflict-merged.js";
import { twoRecords } from "./conflict-two.js";
import { Opener } from "./focus.js";
import { h } from "./h.js";
import { self, who, whoAndWhen } from "./people.js";
import { openShadow, sheet } from "./styles.js";
import { word } from "./values.js";

/**
 * @typedef {import("../types").Conflict} Conflict
 * @typedef {import("../types").ConflictGroup} ConflictGroup
 * @typedef {import("../types").Choices} Choices
 * @typedef {{ field: string, rule: string }} Violation
 * @typedef {(conflict: Conflict, choices: Choices) => Violation[] | Promise<Violation[]>} Check
 * @typedef {(answer: any) => Promise<boolean>} Save
 * @typedef {{ name: string, read(): Choices[string] | undefined, focus(): void, complain(text: string): void,
 *   choose(what: "mine" | "theirs" | "both"): void, canMerge: boolean, node: HTMLElement }} Question
 */

/** @type {CSSStyleSheet | undefined} */
let own;

/**
 * `<conflict-dialog>`: puts one conflict to the user, or a group of them that has one cause.
 *
 * `ask(conflict)` resolves with the choices, or with undefined for "later" (also Escape). `askGroup(group)` shows what would
 * change and resolves with "mine" or "theirs", or with undefined. Nothing is chosen beforehand. Both take `save`, which is given
 * the answer and saves it: until that is done the dialog stays, and if it resolves with false it stays with what was chosen.
 *
 * @prop {Schema} schema `client.schema`: what the fields are.
 * @prop {"en" | "id"} language
 * @prop {string} user `client.user`: to say "you, on another phone".
 * @prop {NameOf} nameOf The name of a record, or a user, that a field refers to.
 * @prop {Check} check What rules the choices would break: `client.conflicts.check`.
 */
export class ConflictDialog extends HTMLElement {
  #root = openShadow(this, (own ??= sheet(DIALOG_CSS)));
  #dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-labelledby": "title" }));
  /** @type {((answer: any) => void) | undefined} */
  #settle;
  #isSaving = false;
  /** @type {Map<string, string>} */
  #people = new Map();

  language = deviceLanguage();
  user = "";
  /** @type {import("./values.js").Schema | undefined} */
  schema;
  /** @type {import("./values.js").NameOf | undefined} */
  nameOf;
  /** @type {Check | undefined} */
  check;

  constructor() {
    super();
    this.#root.append(this.#dialog);
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Or Chromium closes it unasked the second time.
      this.#later();
    });
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#later());
  }

  /** @param {Conflict} conflict @param {{ moved?: boolean, save?: Save }} [options] Moved: it was shown before, and theirs changed meanwhile. @returns {Promise<Choices | undefined>} */
  ask(conflict, { moved = false, save } = {}) {
    this.#learn([conflict]);
    const t = translator(this.language);
    const whole = conflict.kind !== "fields";
    const questions = whole ? [deletionBody(conflict, this)] : conflict.fields.map((field) => new FieldChoice(conflict, field, this));
    const title = whole ? `conflict.${conflict.kind}` : conflict.madeTwice ? "conflict.made-twice" : "conflict.title";
    const asked = [whole ? null : this.#quick(questions), ...questions.map(({ node }) => node)].filter((node) => node !== null);
    const two = conflict.madeTwice ? twoRecords(this.language, asked) : undefined;
    return this.#open(
      t(title, { title: conflict.title }),
      [
        moved && h("p.notice", { role: "alert" }, t("conflict.moved")),
        conflict.madeTwice && h("p.facts", null, t(`conflict.made-twice.hint${self(conflict, this.user)}`, { who: this.whoAndWhen(conflict) })),
        whole ? null : mergedFacts(conflict, this),
      ],
      [two?.node, asked],
      { words: t("conflict.save"), save },
      () => (two?.chosen() ? Promise.resolve({ "*": "two" }) : this.#answer(conflict, questions)),
    );
  }

  /** @param {ConflictGroup} group @param {{ save?: Save }} [options] @returns {Promise<"mine" | "theirs" | undefined>} */
  askGroup(group, { save } = {}) {
    this.#learn(group.conflicts);
    const t = translator(this.language);
    const { title, facts, body, read } = groupParts(group, this);
    return this.#open(title, facts, body, { words: t("conflict.group.save", { n: group.conflicts.length }), save }, async () => read());
  }

  /** "5 min ago, this phone" @param {Conflict} conflict */
  whenMine(conflict) {
    return translator(this.language)("conflict.here", { when: ago(this.language, conflict.savedAt) });
  }

  /** "Ahmad (Manager), 2 min ago" @param {import("./people.js").Whose} whose */
  whoAndWhen(whose) {
    return whoAndWhen(whose, this.user, this.language);
  }

  /** @param {import("./people.js").Whose} whose */
  who(whose) {
    return who(whose, this.user, this.language);
  }

  /** The name of what a field refers to; never an id. @type {import("./values.js").NameOf} */
  name = (collection, id) => {
    const t = translator(this.language);
    if (collection === "users") return id === this.user ? t("value.you") : (this.#people.get(id) ?? this.nameOf?.(collection, id) ?? t("value.somebody"));
    return this.nameOf?.(collection, id) ?? t("value.unknown");
  };

  /** Who did something here has a name. @param {Conflict[]} conflicts */
  #learn(conflicts) {
    const all = conflicts.flatMap((conflict) => [conflict, ...conflict.fields, ...conflict.mergedFields, ...(conflict.setAside ?? [])]);
    for (const { by } of all) if (by?.name) this.#people.set(by.id, by.name);
  }

  /**
   * @param {string} title @param {any[]} facts @param {any[]} body @param {{ words: string, save?: Save }} saving
   * @param {() => Promise<any>} read Undefined if something is missing: it has said so, and gone there.
   */
  #open(title, facts, body, { words, save }, read) {
    this.#end(undefined);
    const opener = new Opener();
    const heading = h("h2", { id: "title", tabIndex: -1 }, title);
    const failed = h("p.error", { role: "alert" });
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const settle = this.#settle;
      const isHere = () => settle && settle === this.#settle && !this.#isSaving;
      failed.textContent = "";
      const answer = await read();
      // It may have been put off, or saved, while the rules were asked.
      if (answer === undefined || !isHere()) return;
      const isSaved = await this.#saved(answer, save);
      if (!isHere()) return;
      if (isSaved) this.#end(answer);
      else failed.textContent = translator(this.language)("conflict.not-saved");
    };
    const form = h(
      "form",
      { method: "dialog", noValidate: true, onsubmit: submit },
      h("div.sheet", null, h("div.head", null, heading, facts), h("div.questions", null, body)),
      h(
        "div.foot",
        null,
        failed,
        h("button.button.quiet", { type: "button", onclick: () => this.#later() }, translator(this.language)("conflict.later")),
        h("button.button.primary", { type: "submit" }, words),
      ),
    );
    this.#dialog.lang = this.language;
    this.#dialog.replaceChildren(form);
    this.#dialog.showModal();
    heading.focus();
    return new Promise((/** @type {(answer: any) => void} */ resolve) => {
      this.#settle = (answer) => {
        resolve(answer);
        opener.focus();
      };
    });
  }

  /** @param {Question[]} questions */
  #quick(questions) {
    const t = translator(this.language);
    const several = questions.length > 1;
    if (!several) return null;
    const button = (/** @type {"mine" | "theirs" | "both"} */ what, /** @type {string} */ words) =>
      h("button.button.small", { type: "button", onclick: () => questions.forEach((question) => question.choose(what)) }, t(words));
    return h(
      "div.quick",
      { role: "group", "aria-label": t("conflict.quick") },
      button("mine", "conflict.all-mine"),
      button("theirs", "conflict.all-theirs"),
      questions.some(({ canMerge }) => canMerge) && button("both", "conflict.both"),
    );
  }

  /** Saving is never disabled: pressed too early, it goes to what is missing. @param {Conflict} conflict @param {Question[]} questions */
  async #answer(conflict, questions) {
    /** @type {Choices} */
    const choices = {};
    const t = translator(this.language);
    for (const question of questions) question.complain("");
    for (const question of questions) {
      const choice = question.read();
      if (choice === undefined) {
        question.complain(t("conflict.missing"));
        return void question.focus();
      }
      choices[question.name] = choice;
    }
    const broken = (await this.check?.(conflict, choices)) ?? [];
    const found = broken.map(({ field, rule }) => ({ rule, question: questions.find(({ name }) => name === field) ?? questions[0] }));
    for (const { rule, question } of found) question.complain(word(`rule.${rule}`, t("rule.other"), this.language));
    if (found.length) return void found[0].question.focus();
    return choices;
  }

  /** @param {any} answer @param {Save} [save] */
  async #saved(answer, save) {
    if (!save) return true;
    this.#isSaving = true;
    try {
      return await save(answer);
    } finally {
      this.#isSaving = false;
    }
  }

  /** What is being saved cannot be put off. */
  #later() {
    if (!this.#isSaving) this.#end(undefined);
  }

  /** @param {any} answer */
  #end(answer) {
    if (this.#dialog.open) this.#dialog.close();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(answer);
  }
}
