/** The focus goes back where it came from, also if that was drawn anew meanwhile. */

/** What had the focus when a dialog was opened. */
export class Opener {
  #node = deepActive();
  #root = /** @type {Document | ShadowRoot | undefined} */ (this.#node?.getRootNode());
  #key = this.#node?.dataset?.key;

  /** Gives it the focus again: itself, or what has its key now. */
  focus() {
    if (this.#node?.isConnected) return this.#node.focus();
    byKey(this.#root, this.#key)?.focus();
  }
}

/**
 * Draws anew, and keeps the focus where it was: on what has the same key, or else on what stands in its place.
 * @param {HTMLElement} body @param {() => void} draw @param {Element | null | undefined} active What has the focus.
 */
export function keepingFocus(body, draw, active) {
  const held = /** @type {HTMLElement | null | undefined} */ (active && body.contains(active) ? active : undefined);
  const key = held?.dataset.key;
  const before = keys(body);
  const section = held?.closest("section")?.id;
  draw();
  if (!held || held.isConnected) return;
  const same = byKey(body, key);
  if (same) return same.focus();
  // Of what is still there, the next of its kind; else the one before; else the heading of its part, or of the first.
  const [at, kind] = [before.indexOf(key ?? ""), kindOf(key)];
  const near = [...before.slice(at + 1), ...before.slice(0, Math.max(at, 0)).reverse()].filter((other) => kindOf(other) === kind);
  const next = near.map((other) => byKey(body, other)).find(Boolean);
  const heading = /** @type {HTMLElement | null} */ (body.querySelector(section ? `#${CSS.escape(section)} h2` : "h2") ?? body.querySelector("h2"));
  if (next) return next.focus();
  if (heading) heading.tabIndex = -1;
  heading?.focus();
}

/** @param {ParentNode | undefined} root @param {string | undefined} key */
function byKey(root, key) {
  if (!root || !key) return undefined;
  return /** @type {HTMLElement | null} */ (root.querySelector(`[data-key="${CSS.escape(key)}"]`)) ?? undefined;
}

/** @param {HTMLElement} body */
function keys(body) {
  return [...body.querySelectorAll("[data-key]")].map((node) => /** @type {HTMLElement} */ (node).dataset.key ?? "");
}

/** A key is "what-id": the same word is the same kind. @param {string | undefined} key */
function kindOf(key) {
  return key?.split(":")[0];
}

/** What has the focus, inside shadow trees too. */
function deepActive() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return /** @type {HTMLElement | null} */ (active);
}
