/**
 * The types of the library, over files that must compile and files that must not: `node tests/types/run.mjs`.
 *
 * A case of `must-not/` is a line behind `// @ts-expect-error TS1234: why`. It is checked twice: with the expectation (tsc finds none
 * that is unused) and without it (tsc finds that error there, and no other). The files of `must/` are checked against the sources and
 * against the declarations that stand beside the built library.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDeclarations } from "../../www/declarations.mjs";
import { schemaTypes } from "../../www/schema-types.mjs";
import { casesOf, faultsOf, verdicts, withoutExpectations } from "./cases.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = join(ROOT, "target", "types");
const FOLDERS = ["must", "must-not"];

/** @param {string} folder */
const filesOf = (folder) => readdirSync(join(HERE, folder)).sort();
/** @param {string} folder @param {string} file */
const textOf = (folder, file) => readFileSync(join(HERE, folder, file), "utf8");

/** Copies of the examples that import the built library. @param {string} out @param {(text: string) => string} change */
function writeCopies(out, change) {
  const toLibrary = (/** @type {string} */ text) => text.replaceAll(/"(?:\.\.\/)+www\/fieldsync\/(fieldsync\.js)"/g, '"fieldsync/$1"');
  const toSchema = (/** @type {string} */ text, /** @type {string} */ up) => text.replaceAll(/"(?:\.\.\/)+www\/(schema\.js(?:on)?)"/g, `"${up}/$1"`);
  for (const folder of FOLDERS) {
    mkdirSync(join(out, folder), { recursive: true });
    for (const file of filesOf(folder)) writeFileSync(join(out, folder, file), toSchema(toLibrary(change(textOf(folder, file))), ".."));
  }
  writeFileSync(join(out, "clients.ts"), toSchema(toLibrary(readFileSync(join(HERE, "clients.ts"), "utf8")), "."));
  const schema = readFileSync(join(ROOT, "www/schema.json"), "utf8");
  writeFileSync(join(out, "schema.json"), schema);
  writeFileSync(join(out, "schema.d.ts"), schemaTypes(schema, "schema.json"));
}

/** @param {string} project A folder. @param {string[]} [more] */
function tsc(project, more = []) {
  const { stdout, stderr, error } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", project, ...more], { cwd: project, encoding: "utf8" });
  if (error) throw error;
  if (stderr) throw new Error(stderr);
  const faults = faultsOf(stdout);
  // What is no fault of a file is a fault of the check.
  if (stdout.trim() && !faults.length) throw new Error(stdout);
  return faults.map((fault) => ({ ...fault, file: relative(project, join(project, fault.file)).replaceAll("\\", "/") }));
}

/** As an app has it: the built library beside it, and a resolver that wants endings. */
async function checkBuilt() {
  const out = join(OUT, "built");
  writeCopies(out, (text) => text);
  const library = join(out, "node_modules", "fieldsync");
  mkdirSync(library, { recursive: true });
  await makeDeclarations(library);
  writeFileSync(join(library, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(out, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = {
    noEmit: true, strict: true, allowJs: true, checkJs: true, target: "ES2022", module: "NodeNext", resolveJsonModule: true,
    lib: ["ES2022", "DOM", "DOM.Iterable"], types: [],
  };
  writeFileSync(join(out, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["must/*", "must-not/*"] }));
  return tsc(out);
}

/** Without the expectations: in the place of the examples, so that what they import is where it was. */
function checkWithout() {
  const out = join(OUT, "without");
  const up = relative(join(out, "must-not"), ROOT).replaceAll("\\", "/");
  mkdirSync(join(out, "must-not"), { recursive: true });
  const moved = (/** @type {string} */ text) => text.replaceAll("../../../www/", `${up}/www/`).replaceAll('"../clients.js"', `"${up}/tests/types/clients.js"`);
  for (const file of filesOf("must-not")) writeFileSync(join(out, "must-not", file), moved(withoutExpectations(textOf("must-not", file))));
  writeFileSync(join(out, "tsconfig.json"), JSON.stringify({ extends: `${relative(out, HERE).replaceAll("\\", "/")}/tsconfig.json`, include: ["must-not/*"] }));
  return tsc(out);
}

/** Each file's faults as one verdict. @param {string[]} files @param {import("./cases.mjs").Fault[]} faults @param {string} what */
function byFile(files, faults, what) {
  const words = (/** @type {import("./cases.mjs").Fault[]} */ found) => found.map(({ line, code, text }) => `${line}: ${code} ${text}`).join("\n    ");
  const known = files.map((name) => ({ name: `${name} ${what}`, wrong: words(faults.filter(({ file }) => file === name)) }));
  const others = faults.filter(({ file }) => !files.includes(file));
  return others.length ? [...known, { name: `other files, ${what}`, wrong: others.map(({ file }) => file).join(", ") + words(others) }] : known;
}

rmSync(OUT, { recursive: true, force: true });
const cases = filesOf("must-not").flatMap((file) => casesOf(`must-not/${file}`, textOf("must-not", file)));
const files = FOLDERS.flatMap((folder) => filesOf(folder).map((file) => `${folder}/${file}`));
const stray = filesOf("must-not").filter((file) => textOf("must-not", file).split("@ts-").length - 1 !== casesOf(file, textOf("must-not", file)).length);
const fresh = schemaTypes(readFileSync(join(ROOT, "www/schema.json"), "utf8"), "schema.json") === readFileSync(join(ROOT, "www/schema.d.ts"), "utf8");
const results = [
  ...byFile(files, tsc(HERE), "with the sources"),
  ...byFile(files, await checkBuilt(), "with the built library"),
  ...verdicts(cases, checkWithout()),
  { name: "every expectation has a number and a reason", wrong: stray.join(", ") },
  { name: "www/schema.d.ts is of www/schema.json", wrong: fresh ? "" : "node www/schema-types.mjs www/schema.json > www/schema.d.ts" },
];
const failed = results.filter(({ wrong }) => wrong);
for (const { name, wrong } of failed) console.log(`FAILED ${name}\n    ${wrong}`);
console.log(`${basename(HERE)}: ${files.length} files, ${cases.length} lines that must not compile`);
console.log(`test result: ${failed.length ? "FAILED" : "ok"}. ${results.length - failed.length} passed; ${failed.length} failed`);
process.exitCode = failed.length ? 1 : 0;
