/** What axe finds in a page. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { assert } from "./until.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @param {import("playwright-core").Page} page @param {string} where @param {string} [within] */
export async function nothingFound(page, where, within = "document") {
  // As text: a function given to the page would fall under its policy; an evaluation of the debugger does not.
  await page.evaluate(`if (!globalThis.axe) { ${AXE} }`);
  // What lies behind a modal dialog is out of reach. axe does not know the top layer, and takes it for something in the way.
  const behind = (/** @type {string} */ visibility) =>
    page.evaluate((visibility) => {
      if (visibility && !document.querySelector("conflict-dialog")?.shadowRoot?.querySelector("dialog[open]")) return;
      for (const node of document.querySelectorAll("#app > :not(conflict-dialog)")) /** @type {HTMLElement} */ (node).style.visibility = visibility;
    }, visibility);
  await behind("hidden");
  const options = { runOnly: { type: "tag", values: TAGS } };
  const { violations } = /** @type {any} */ (await page.evaluate(`axe.run(${within}, ${JSON.stringify(options)})`));
  await behind("");
  const place = (/** @type {any} */ node) => [JSON.stringify(node.target), ...node.any.map((/** @type {any} */ check) => `${check.message} ${JSON.stringify(check.relatedNodes.map((/** @type {any} */ other) => other.target))}`)].join(" ");
  const told = violations.map((/** @type {any} */ violation) => `${violation.id}: ${violation.help} – ${violation.nodes.map(place).join(" ")}`);
  assert.deepEqual(told, [], where);
}
