/** A record that was made twice may be two records: then there is nothing to choose field by field. */
import { translator } from "../i18n.js";
import { h } from "./h.js";

/** @param {import("../i18n.js").Language} language @param {HTMLElement[]} rest What is asked of one record. */
export function twoRecords(language, rest) {
  const t = translator(language);
  const box = /** @type {HTMLInputElement} */ (
    h("input", { type: "checkbox", name: "two", onchange: () => rest.forEach((node) => (node.hidden = box.checked)) })
  );
  const words = h("span.words", null, h("b", null, t("conflict.two")), h("span.muted.small", null, t("conflict.two.hint")));
  return { node: h("label.card.two", null, box, words), chosen: () => box.checked };
}
