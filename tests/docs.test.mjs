/** The JavaScript in the documents is of the types that the library has: each block of docs/api.md is checked as a function of `sync`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, "target", "docs-examples");
const OPTIONS = {
  allowJs: true, checkJs: true, noEmit: true, strict: true, target: "ES2022", module: "ESNext", moduleResolution: "bundler",
  lib: ["ES2022", "DOM"], types: [],
};

/** @param {string} path @returns {{ line: number, text: string }[]} */
export function examples(path) {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(/^```js\n([^]*?)^```$/gm)].map((found) => ({
    line: text.slice(0, found.index).split("\n").length,
    text: found[1],
  }));
}

/** Whether tsc takes these sources; what it says if not. @param {{ [name: string]: string }} sources */
function check(sources) {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const types = relative(OUT, join(ROOT, "www/fieldsync/types")).replaceAll("\\", "/");
  const sync = `import("${types}").SyncClient & { [collection: string]: import("${types}").CollectionClient }`;
  for (const [name, text] of Object.entries(sources)) {
    writeFileSync(join(OUT, name), `/** @param {${sync}} sync */\nexport default async function (sync) {\n${text}}\n`);
  }
  writeFileSync(join(OUT, "tsconfig.json"), JSON.stringify({ compilerOptions: OPTIONS, include: ["*.js"] }));
  try {
    execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", OUT], { cwd: ROOT, encoding: "utf8", stdio: "pipe" });
    return "";
  } catch (error) {
    return /** @type {any} */ (error).stdout || String(error);
  }
}

test("the examples of docs/api.md have the types of the library", () => {
  const found = examples("docs/api.md");
  assert.ok(found.length >= 8, "the examples were found");
  assert.equal(check(Object.fromEntries(found.map(({ line, text }) => [`api-line-${line}.js`, text]))), "");
});

test("an example that is not so is found", () => {
  assert.match(check({ "wrong.js": "await sync.customers.creat({ name: 1 });\n" }), /creat/);
});
