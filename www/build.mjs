/**
 * Builds what is served: `node www/build.mjs --out target/www --wasm target/wasm-bindgen [--dev]`.
 *
 * `--wasm` is the folder that `wasm-bindgen --target web` filled. The same sources give the same bytes.
 */
import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import * as esbuild from "esbuild";
import { injectManifest } from "workbox-build";
import { makeDeclarations } from "./declarations.mjs";

const WWW = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(WWW);
const TARGET = ["chrome97", "firefox113", "safari16.4"];
/** The wasm is larger than what workbox precaches unasked. */
const PRECACHED_BYTES_MAX = 8 * 1024 * 1024;
const LIBRARY_FILES = ["fieldsync/**/*.{js,wasm}"];
/** What is sent compressed. */
const COMPRESSED = /\.(html|css|m?js|json|webmanifest|wasm)$/;
/** A window of 4 MiB: larger than any file. */
const BROTLI = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_LGWIN]: 22 };
const APP_FILES = ["*.{html,js,css,webmanifest,json}", "icons/*.png", ...LIBRARY_FILES];

const { values } = parseArgs({
  options: { out: { type: "string" }, wasm: { type: "string" }, dev: { type: "boolean", default: false } },
});
if (!values.out || !values.wasm) throw new Error("usage: node www/build.mjs --out <folder> --wasm <folder> [--dev]");
const out = resolve(values.out);
const wasm = resolve(values.wasm);

/** @type {import("esbuild").BuildOptions} */
const COMMON = {
  bundle: true,
  absWorkingDir: ROOT,
  target: TARGET,
  minify: !values.dev,
  sourcemap: values.dev ? "inline" : false,
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
};

/** The glue is made by wasm-bindgen, outside the sources. */
const glue = {
  name: "glue",
  setup(build) {
    build.onResolve({ filter: /\/wasm\/fieldsync\.js$/ }, () => ({ path: join(wasm, "fieldsync.js") }));
  },
};

/** In the library the glue stays a file of its own, beside its wasm: the two are made together. */
const glueApart = {
  name: "glue-apart",
  setup(build) {
    build.onResolve({ filter: /\/wasm\/fieldsync\.js$/ }, () => ({ path: "./wasm/fieldsync.js", external: true }));
  },
};

/** The app loads the library as anybody's app does: one file, fetched once. */
const libraryApart = {
  name: "library-apart",
  setup(build) {
    build.onResolve({ filter: /fieldsync\/index\.js$/ }, () => ({ path: "/fieldsync/fieldsync.js", external: true }));
  },
};

/** @param {import("esbuild").BuildOptions} options */
async function bundle(options) {
  const { warnings } = await esbuild.build({ ...COMMON, ...options });
  if (warnings.length) throw new Error("esbuild warned; see above");
}

async function buildScripts() {
  // A worker has no module address: it gets the engine's bytes from its cache.
  const classic = { format: "iife", define: { ...COMMON.define, "import.meta.url": "self.location.href" }, plugins: [glue] };
  await Promise.all([
    bundle({
      entryPoints: ["www/fieldsync/index.js"],
      outfile: join(out, "fieldsync/fieldsync.js"),
      format: "esm",
      plugins: [glueApart],
    }),
    bundle({ entryPoints: [join(wasm, "fieldsync.js")], outfile: join(out, "fieldsync/wasm/fieldsync.js"), format: "esm" }),
    bundle({ entryPoints: ["www/app/main.js"], outfile: join(out, "app.js"), format: "esm", plugins: [libraryApart] }),
    bundle({ entryPoints: ["www/app/styles/app.css"], outfile: join(out, "app.css") }),
    bundle({ entryPoints: ["service-worker/sw.js"], outfile: join(out, "sw.js"), ...classic }),
    bundle({ entryPoints: ["service-worker/fieldsync-sw.js"], outfile: join(out, "fieldsync-sw.js"), ...classic }),
  ]);
}

async function copyFiles() {
  const copies = [
    ["www/index.html", "index.html"],
    ["www/manifest.webmanifest", "manifest.webmanifest"],
    ["www/schema.json", "schema.json"],
    ["www/schema-types.mjs", "fieldsync/schema-types.mjs"],
    ...["ten-lines.html", "ten-lines.js", "sign-in.js"].map((name) => [`www/examples/${name}`, `examples/${name}`]),
  ];
  for (const [from, to] of copies) {
    await mkdir(dirname(join(out, to)), { recursive: true });
    await copyFile(join(ROOT, from), join(out, to));
  }
  const png = (path) => !/\.(mjs|svg)$/.test(path);
  await cp(join(WWW, "icons"), join(out, "icons"), { recursive: true, filter: png });
  await mkdir(join(out, "fieldsync/wasm"), { recursive: true });
  await copyFile(join(wasm, "fieldsync_bg.wasm"), join(out, "fieldsync/wasm/fieldsync_bg.wasm"));
}

/** @param {string} worker @param {string[]} globPatterns */
async function precacheInto(worker, globPatterns) {
  const path = join(out, worker);
  const { count, size, warnings } = await injectManifest({
    swSrc: path,
    swDest: path,
    globDirectory: out,
    globPatterns,
    globIgnores: ["sw.js", "fieldsync-sw.js"],
    maximumFileSizeToCacheInBytes: PRECACHED_BYTES_MAX,
  });
  if (warnings.length) throw new Error(warnings.join("\n"));
  console.log(`${relative(ROOT, path)}: ${count} files precached, ${(size / 1024).toFixed(0)} KiB`);
}

/** As small as it gets takes seconds: it is done once, here, and lies beside each file as `.br` for the server to send. */
async function compressFiles() {
  const names = (await readdir(out, { recursive: true })).filter((name) => COMPRESSED.test(name));
  const compress = async (name) => {
    const path = join(out, name);
    const packed = await promisify(brotliCompress)(await readFile(path), { params: BROTLI });
    await writeFile(`${path}.br`, packed);
  };
  await Promise.all(names.map(compress));
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await Promise.all([buildScripts(), copyFiles(), makeDeclarations(join(out, "fieldsync"))]);
await precacheInto("sw.js", APP_FILES);
await precacheInto("fieldsync-sw.js", LIBRARY_FILES);
await compressFiles();
