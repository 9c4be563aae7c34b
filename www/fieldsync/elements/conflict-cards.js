/** Mine or theirs as a whole: two cards, and nothing chosen beforehand. */
import { h } from "./h.js";

/**
 * @param {string} name @param {string} legend
 * @param {{ mine: [title: string, hint: string], theirs: [title: string, hint: string] }} words
 * @param {(chosen: "mine" | "theirs") => void} [onChosen]
 * @returns {import("./conflict-dialog.js").Question}
 */
export function cards(name, legend, words, onChosen) {
  /** @type {"mine" | "theirs" | undefined} */
  let chosen;
  const error = h("p.error", { role: "alert" });
  /** @type {HTMLInputElement[]} */
  const radios = [];
  const card = (/** @type {"mine" | "theirs"} */ value) => {
    const onchange = () => {
      chosen = value;
      error.textContent = "";
      onChosen?.(value);
    };
    const radio = h("input", { type: "radio", name: "choice-whole", value, onchange });
    radios.push(radio);
    const [title, hint] = words[value];
    return h("label.card", null, radio, h("span.words", null, h("b", null, title), h("span.muted.small", null, hint)));
  };
  return {
    name,
    node: h("fieldset", null, h("legend", null, legend), card("mine"), card("theirs"), error),
    canMerge: false,
    read: () => chosen,
    focus: () => (radios.find(({ checked }) => checked) ?? radios[0]).focus(),
    complain: (text) => void (error.textContent = text),
    choose() {},
  };
}
