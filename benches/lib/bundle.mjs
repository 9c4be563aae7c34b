/** The folder that all servers serve: the built app, and the page side of each library beside it. */
import { cpSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const PAGE = join(dirname(fileURLToPath(import.meta.url)), "../page");
const NAMES = ["fieldsync", "pouchdb", "rxdb", "dexie", "raw", "minisearch", "opening"];

/** @param {string} app The built app. @param {string} out */
export async function bundle(app, out) {
  rmSync(out, { recursive: true, force: true });
  cpSync(app, out, { recursive: true });
  for (const page of ["bench.html", "opening.html"]) cpSync(join(PAGE, page), join(out, page));
  await esbuild.build({
    entryPoints: NAMES.map((name) => join(PAGE, `${name}.js`)),
    outdir: join(out, "bench"),
    bundle: true,
    format: "esm",
    minify: true,
    target: "chrome120",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    logLevel: "error",
  });
}
