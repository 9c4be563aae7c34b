/**
 * The JavaScript in the documents is of the types that the library has: each block of docs/api.md is checked as a function of `sync`, a
 * client of the demo's schema; what imports something is checked as a file beside the library.
 */
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

/** @param {string} path @param {string} fence What the blocks are called. @returns {{ line: number, text: string }[]} */
export function examples(path, fence = "js") {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${fence}\\n([^]*?)^\`\`\`$`, "gm"))].map((found) => ({
    line: text.slice(0, found.index).split("\n").length,
    text: found[1],
  }));
}

const WWW = relative(OUT, join(ROOT, "www")).replaceAll("\\", "/");

/** A block that is a function of `sync`. @param {string} text */
function ofSync(text) {
  const sync = `import("${WWW}/fieldsync/types").Client<import("${WWW}/schema").Schema>`;
  return `/** @param {${sync}} sync */\nexport default async function (sync) {\n${text}}\n`;
}

/** A block that is a file. @param {string} text */
function asFile(text) {
  return `${text.replaceAll('"./fieldsync/', `"${WWW}/fieldsync/`).replaceAll('"./schema', `"${WWW}/schema`)}\nexport {};\n`;
}

/** Whether tsc takes these sources; what it says if not. @param {{ [name: string]: string }} sources */
function check(sources) {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(OUT, name), text);
  const signIn = "export declare const user: string;\nexport declare function getAccessToken(): Promise<string | undefined>;\n";
  writeFileSync(join(OUT, "sign-in.d.ts"), signIn);
  writeFileSync(join(OUT, "tsconfig.json"), JSON.stringify({ compilerOptions: OPTIONS, include: ["*.js", "*.ts"] }));
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
  assert.equal(check(Object.fromEntries(found.map(({ line, text }) => [`api-line-${line}.js`, ofSync(text)]))), "");
});

test("the examples that are files compile, and not where they say so", () => {
  const files = [["ts", "ts"], ["javascript", "js"]].flatMap(([fence, ending]) => {
    const found = examples("docs/api.md", fence);
    assert.ok(found.length, `${fence} was found`);
    return found.map(({ line, text }) => [`api-line-${line}.${ending}`, asFile(text)]);
  });
  assert.equal(check(Object.fromEntries(files)), "");
  const wrong = files.map(([name, text]) => [name, text.replaceAll("@ts-expect-error", "")]);
  assert.equal(check(Object.fromEntries(wrong)).match(/error TS/g)?.length, 3);
});

test("an example that is not so is found", () => {
  assert.match(check({ "wrong.js": ofSync("await sync.customers.creat({ name: 'PT' });\n") }), /creat/);
});
