/** Customers that a new one may be, pointed out while it is typed, with the reason: offline too, and in nobody's way. */
import { h, labelOf } from "../fieldsync/index.js";

const SHOWN_MAX = 3;
/** Who types on is not talked to. */
const AFTER_MS = 250;

export class Alike {
  #app;
  #typed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #shown = "";
  /** What changes in it is read out; what stays is not read again. */
  node = h("div.alike", { role: "status" });

  /** @param {import("./main.js").App} app @param {{ id: string, read: () => import("../fieldsync/types").Fields }} typed The id of the one that is typed, and how to read it. */
  constructor(app, typed) {
    this.#app = app;
    this.#typed = typed;
    app.sync.prepareSearch();
  }

  typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), AFTER_MS);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  async #look() {
    const { id, read } = this.#typed;
    const found = await this.#app.sync.customers.duplicates(read(), { id, limit: SHOWN_MAX });
    const lines = found.map((one) => this.#line(one));
    const shown = lines.map((/** @type {HTMLElement} */ line) => line.textContent).join("\n");
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.node.replaceChildren(...(lines.length ? [h("div.note", null, this.#app.t("customer.alike"), h("ul", null, lines))] : []));
  }

  /** @param {import("../fieldsync/types").Duplicates<"customers", import("./session.js").Customer["fields"]>[number]} duplicate */
  #line({ record, reasons }) {
    const { name, city } = record.fields;
    const why = reasons.map((reason) => this.#reason(reason)).join(", ");
    return h("li", null, h("a", { href: `/customers/${record.id}` }, [name, city].filter(Boolean).join(", ")), h("span.muted.small", null, ` \u2013 ${why}`));
  }

  /** @param {{ field: string, kind: "same" | "similar" }} reason */
  #reason({ field, kind }) {
    const { language, t } = this.#app;
    return t(`alike.${kind}`, { field: labelOf("customers", field, language).toLocaleLowerCase(language) });
  }
}
