/** The focus goes back where it came from, also if that was drawn anew meanwhile. */

/** What had the focus when a dialog was opened. */
export class Opener {
  #node = deepActive();
  #root = /** @type {Document | ShadowRoot | undefined} */ (this.#node?.getRootNode());
  #key = this.#node?.dataset?.key;

  /** Gives it the focus again: itself, or what has its key now; or else the heading of what it was in. */
  focus() {
    if (this.#node?.isConnected) return this.#node.focus();
    (byKey(this.#root, this.#key) ?? title(this.#root))?.focus();
  }
}

/**
 * Draws anew, and keeps the focus where it was: on what has the same key, or says the same; or else on what stands in its place.
 * @param {HTMLElement} body @param {() => void} draw @param {Element | null | undefined} active What has the focus.
 * @param {() => HTMLElement | null} [otherwise] Where it goes if nothing of the kind is left. Default: the heading of its part.
 */
export function keepingFocus(body, draw, active, otherwise) {
  const held = /** @type {HTMLElement | null | undefined} */ (active && body.contains(active) ? active : undefined);
  const key = held?.dataset.key;
  const before = keys(body);
  const section = held?.closest("section")?.id;
  draw();
  if (!held || held.isConnected) return;
  const same = byKey(body, key) ?? (key ? undefined : alike(body, held));
  if (same) return same.focus();
  // Of what is still there, the next of its kind; else the one before.
  const [at, kind] = [before.indexOf(key ?? ""), kindOf(key)];
  const near = [...before.slice(at + 1), ...before.slice(0, Math.max(at, 0)).reverse()].filter((other) => kind && kindOf(other) === kind);
  const next = near.map((other) => byKey(body, other)).find(Boolean);
  (next ?? otherwise?.() ?? headingOf(body, section))?.focus();
}

/** @param {HTMLElement} body @param {HTMLElement} held */
function alike(body, held) {
  const all = /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll(held.localName));
  return [...all].find((node) => node.textContent === held.textContent && node.getAttribute("href") === held.getAttribute("href"));
}

/** @param {HTMLElement} body @param {string | undefined} section */
function headingOf(body, section) {
  const own = section && body.querySelector(`#${CSS.escape(section)} h2`);
  const heading = /** @type {HTMLElement | null} */ (own || body.querySelector("h2"));
  if (heading) heading.tabIndex = -1;
  return heading;
}

/** @param {ParentNode | undefined} root */
function title(root) {
  const heading = /** @type {HTMLElement | null | undefined} */ (root?.querySelector("h1") ?? root?.querySelector("h2"));
  if (heading) heading.tabIndex = -1;
  return heading;
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
