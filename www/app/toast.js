/** A word after an action, with Undo. It waits while it is pointed at or has the focus. */
import { h } from "../fieldsync/index.js";

const SHOWN_MS = 7_000;

/** @type {HTMLElement | undefined} */
let region;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} text @param {{ word: string, act: () => void | Promise<unknown> }} [action] */
export function toast(text, action) {
  if (!region) {
    region = h("div.toasts", { role: "status" });
    document.body.append(/** @type {HTMLElement} */ (region));
  }
  const hide = () => region?.replaceChildren();
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, SHOWN_MS);
  };
  const act = async () => {
    hide();
    await action?.act();
  };
  const node = h(
    "div.toast",
    {
      onpointerenter: () => clearTimeout(timer),
      onpointerleave: later,
      onfocusin: () => clearTimeout(timer),
      onfocusout: later,
    },
    h("span", null, text),
    action && h("button", { type: "button", onclick: act }, action.word),
  );
  /** @type {HTMLElement} */ (region).replaceChildren(node);
  later();
}
