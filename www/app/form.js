/**
 * A form for one record or group: its ids are made when it opens, what was typed survives a reload, Save pressed twice is
 * one change, and an error keeps the form.
 *
 * @typedef {{ field: string, collection: string, value?: import("../fieldsync/types").Value, required?: boolean, hint?: string, label?: string, members?: string[] }} FieldWish `members`: those of an object that are asked for.
 * @typedef {{ ids: { [name: string]: string }, record?: import("../fieldsync/types").RecordView, values: import("../fieldsync/types").Fields }} Draft
 */
import { h, isSyncError, labelOf, makeInput, specOf } from "../fieldsync/index.js";
import { brokenRule, known, ruleWords } from "./rules.js";
import { toast } from "./toast.js";

const DRAFT_AFTER_MS = 400;

export class Form {
  #app;
  #key;
  /** @type {Map<string, { wish: FieldWish, input: import("../fieldsync/elements/inputs.js").Input, error: HTMLElement, spec: any }>} */
  #fields = new Map();
  #summary = h("p.error.summary", { role: "alert" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #dirty = false;
  #ended = false;
  #saving = false;
  #stop = new AbortController();
  /** @type {Draft} */
  draft;
  restored = false;

  /** @param {import("./main.js").App} app @param {string} key Names the draft. @param {Draft} draft */
  constructor(app, key, draft) {
    this.#app = app;
    this.#key = key;
    this.draft = draft;
    const keep = () => document.visibilityState === "hidden" && void this.#keep();
    document.addEventListener("visibilitychange", keep, { signal: this.#stop.signal });
  }

  /** With the draft of an earlier visit, if there is one: it also holds the record as the user saw it then. @param {import("./main.js").App} app @param {string} key @param {() => Draft} begin */
  static async open(app, key, begin) {
    const kept = /** @type {Draft | undefined} */ (/** @type {unknown} */ (await app.sync.drafts.get(key)));
    const form = new Form(app, key, kept ?? begin());
    form.restored = form.#dirty = kept !== undefined;
    return form;
  }

  /** @param {FieldWish} wish @returns {any} */
  field(wish) {
    const { language, sync } = this.#app;
    const spec = { ...specOf(sync.schema, wish.collection, wish.field), ...(wish.required ? { required: true } : {}), members: wish.members };
    const id = `field-${wish.field}`;
    const value = wish.field in this.draft.values ? this.draft.values[wish.field] : wish.value;
    const input = makeInput(spec, wish.field, value, { language, id });
    if (!input) return null;
    const error = h("p.error", { id: `${id}-error` });
    input.node.setAttribute("aria-describedby", error.id);
    if (spec.required) input.node.setAttribute("aria-required", "true");
    this.#fields.set(wish.field, { wish, input, error, spec });
    const words = [wish.label ?? labelOf(wish.collection, wish.field, language), !spec.required && h("span.optional", null, ` ${this.#app.t("optional")}`)];
    if (input.node instanceof HTMLFieldSetElement) {
      input.node.prepend(h("legend", null, words));
      return h(`div.field.field-${wish.field}`, null, input.node, error);
    }
    return h(
      `div.field.field-${wish.field}`,
      null,
      h("label", { for: id }, words),
      input.node,
      wish.hint && h("p.muted.small", null, wish.hint),
      error,
    );
  }

  /** @param {string} field */
  input(field) {
    return /** @type {HTMLInputElement} */ (this.#fields.get(field)?.input.node);
  }

  /** @param {any[]} children @param {() => Promise<void>} save @param {{ back: string, word?: string }} options */
  node(children, save, { back, word = this.#app.t("save") }) {
    const { t } = this.#app;
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#save(save);
    };
    const forget = async () => {
      await this.end();
      this.#app.go(location.pathname + location.search, { replace: true });
    };
    const notice =
      this.restored &&
      h(
        "div.note.split",
        { role: "status" },
        h("span", null, t("draft.restored")),
        h("button.button.quiet.small", { type: "button", onclick: forget }, t("draft.discard")),
      );
    return h(
      "form.card.stack.form",
      { noValidate: true, onsubmit: submit, oninput: () => this.changed() },
      notice,
      children,
      this.#summary,
      h(
        "div.actions.end",
        null,
        h(
          "button.button",
          {
            type: "button",
            onclick: async () => {
              await this.end();
              this.#app.back(back);
            },
          },
          t("cancel"),
        ),
        h("button.button.primary", { type: "submit" }, word),
      ),
    );
  }

  /** What is in the fields. */
  values() {
    return Object.fromEntries([...this.#fields].map(([name, { input }]) => [name, input.read()]));
  }

  /** What differs from the record as it was when the form opened. @returns {import("../fieldsync/types").Fields} */
  patch() {
    const before = this.draft.record?.fields ?? {};
    return Object.fromEntries(
      Object.entries(this.values()).filter(
        ([name, value]) => JSON.stringify(filled(value)) !== JSON.stringify(filled(before[name])),
      ),
    );
  }

  /** Something was typed, or picked: kept, a moment later. */
  changed() {
    this.#dirty = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#keep(), DRAFT_AFTER_MS);
  }

  /** Puts the focus where the user must act: the field that was refused, else the first. @param {string | null} [field] */
  focus(field) {
    const found = (field && this.#fields.get(field)) || this.#fields.values().next().value;
    /** @type {HTMLElement | undefined} */ (found?.input.node)?.focus();
  }

  /** Why the record could not be sent, where it is mended. @param {import("../fieldsync/types").Problem | undefined} problem */
  explain(problem) {
    if (problem?.field) this.complain(problem.field, ruleWords(this.#app.t, problem.code));
  }

  /** @param {string} field @param {string} text */
  complain(field, text) {
    const found = this.#fields.get(field);
    if (!found) return void (this.#summary.textContent = text);
    found.error.textContent = text;
    found.input.node.setAttribute("aria-invalid", text ? "true" : "false");
  }

  /** The form is done with: the draft goes. */
  async end() {
    this.#ended = true;
    this.close();
    await this.#app.sync.drafts.remove(this.#key);
  }

  /** The page is left; what was typed stays. */
  close() {
    clearTimeout(this.#timer);
    this.#stop.abort();
    if (!this.#ended) void this.#keep();
  }

  async #keep() {
    if (!this.#dirty || this.#ended) return;
    this.draft.values = this.values();
    const value = /** @type {import("../fieldsync/types").Fields} */ (/** @type {unknown} */ (this.draft));
    await this.#app.sync.drafts.put(this.#key, value).catch(() => {}); // Storage is full: the bar says so.
  }

  /** @param {() => Promise<void>} save */
  async #save(save) {
    // Pressed twice is one change anyway (its row is the same); this spares going back twice.
    if (this.#saving || !this.#check()) return;
    this.#saving = true;
    try {
      await save();
    } catch (failure) {
      this.#refused(failure);
    } finally {
      this.#saving = false;
    }
  }

  /** The rules that a field can be told at once; the engine has the last word. */
  #check() {
    this.#summary.textContent = "";
    let first;
    for (const [name, { input, spec }] of this.#fields) {
      const rule = brokenRule(spec, input.read());
      this.complain(name, rule ? this.#app.t(`rule.${rule}`) : "");
      if (rule) first ??= name;
    }
    if (first) this.focus(first);
    return !first;
  }

  /** @param {unknown} failure */
  #refused(failure) {
    const { t } = this.#app;
    if (!isSyncError(failure)) {
      console.error(failure);
      return toast(t("not-saved"));
    }
    const broken = failure.violations ?? (failure.field ? [{ field: failure.field, rule: failure.code }] : []);
    for (const { field, rule } of broken) this.complain(field, ruleWords(t, rule));
    if (broken.length) this.focus(broken[0].field);
    else this.#summary.textContent = known(t, `error.${failure.code}`) ?? t("not-saved");
  }
}

/** An empty list is as empty as no value: leaving it alone is no change. @param {import("../fieldsync/types").Value | undefined} value */
function filled(value) {
  return value === undefined || (Array.isArray(value) && !value.length) ? null : value;
}
