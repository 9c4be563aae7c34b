/**
 * Makes an element. Text is never markup: children that are strings become text nodes.
 *
 * @param {string} name Tag, with classes after dots: "button.primary".
 * @param {{ [name: string]: any } | null} [properties] `onclick` and the like are listeners; what the element has as a
 *   property is set as one; anything else is an attribute. Undefined and false are left out.
 * @param {...any} children Nodes, strings, numbers, arrays; nothing for null, undefined and false.
 * @returns {any}
 */
export function h(name, properties, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === false || value === null) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(element.dataset, value);
    else if (key in element && !key.includes("-") && key !== "list" && key !== "form")
      /** @type {any} */ (element)[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element | ShadowRoot} parent @param {any[]} children */
export function append(parent, children) {
  for (const child of children.flat(3)) {
    if (child === undefined || child === null || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}
