/**
 * Makes the literal type of a schema file, for an app whose schema stays JSON (TypeScript reads `"type": "string"` of a JSON file as
 * any text):
 *
 *     node fieldsync/schema-types.mjs schema.json > schema.d.ts
 *
 * Then `openClient<import("./schema").Schema>({ … })`, or in JavaScript `@type {import("./fieldsync/fieldsync.js").Client<import("./schema").Schema>}`.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { argv, exit, stderr, stdout } from "node:process";
import { pathToFileURL } from "node:url";

const WIDTH_MAX = 120;

/** The file's text. @param {string} json A schema. @param {string} name What it is called. */
export function schemaTypes(json, name) {
  const schema = JSON.parse(json);
  if (!Array.isArray(schema.collections)) throw new Error(`${name} has no collections`);
  const note = `/** The type of ${name}. Made by schema-types.mjs: make it again when the schema changes. */`;
  return `${note}\nexport interface Schema ${literal(schema, "")}\n`;
}

/** A JSON value as a type. @param {unknown} value @param {string} indent @returns {string} */
function literal(value, indent) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const [open, close, separator] = Array.isArray(value) ? ["readonly [", "]", ","] : ["{", "}", ";"];
  const part = (/** @type {string} */ at) => (Array.isArray(value) ? "" : `readonly ${/^\w+$/.test(at) ? at : JSON.stringify(at)}: `);
  const parts = Object.entries(value).map(([at, each]) => part(at) + literal(each, inner));
  if (!parts.length) return `${open}${close}`;
  const space = Array.isArray(value) ? "" : " ";
  const line = `${open}${space}${parts.join(`${separator} `)}${space}${close}`;
  if (indent && !line.includes("\n") && indent.length + line.length <= WIDTH_MAX) return line;
  return `${open}\n${parts.map((each) => `${inner}${each}${separator}\n`).join("")}${indent}${close}`;
}

if (import.meta.url === pathToFileURL(argv[1] ?? "").href) {
  if (argv.length !== 3) {
    stderr.write("usage: node schema-types.mjs schema.json > schema.d.ts\n");
    exit(2);
  }
  stdout.write(schemaTypes(readFileSync(argv[2], "utf8"), basename(argv[2])));
}
