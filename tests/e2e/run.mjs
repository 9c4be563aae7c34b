/**
 * Runs the stories: each in its own world, two at a time; those that wait for the browser's own clock start first and are
 * joined at the end. `node tests/e2e/run.mjs [--story NAME] [--jobs N] [--server FILE] [--app FOLDER] [--chromium FILE] [--out FOLDER]`
 */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Report } from "./lib/report.mjs";
import { World } from "./lib/world.mjs";

/** @typedef {{ title: string, run(world: World): Promise<void>, limitMs?: number, waits?: boolean, options?: () => Promise<{ origins?: string[], extra?: string[] }> }} Story */

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, "../..");
const LIMIT_MS = 150_000;

const { values: options } = parseArgs({
  options: {
    story: { type: "string", multiple: true, default: [] },
    jobs: { type: "string", default: "2" },
    server: { type: "string", default: join(ROOT, "target/debug/fieldsync-server") },
    app: { type: "string", default: join(ROOT, "target/www") },
    chromium: { type: "string", default: process.env.CHROMIUM ?? onPath(["chromium", "chromium-browser", "google-chrome"]) },
    out: { type: "string", default: join(ROOT, "target/e2e") },
  },
});
const report = new Report();
const places = { server: resolve(options.server), app: resolve(options.app), chromium: options.chromium, out: resolve(options.out) };

/** @param {string[]} names */
function onPath(names) {
  const folders = (process.env.PATH ?? "").split(":");
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file)) ?? names[0];
}

/** @returns {Promise<{ name: string, story: Story }[]>} */
async function stories() {
  const files = readdirSync(join(HERE, "stories")).filter((file) => file.endsWith(".mjs")).sort();
  const names = files.map((file) => file.replace(/\.mjs$/, ""));
  const wanted = names.filter((name) => !options.story.length || options.story.some((part) => name.includes(part)));
  const load = async (/** @type {string} */ name) => {
    const module = await import(pathToFileURL(join(HERE, "stories", `${name}.mjs`)).href);
    return { name, story: /** @type {Story} */ (module.default) };
  };
  return Promise.all(wanted.map(load));
}

/** @param {{ name: string, story: Story }} named */
async function tell({ name, story }) {
  const begun = Date.now();
  /** @type {World | undefined} */
  let world;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const limitMs = story.limitMs ?? LIMIT_MS;
  const patience = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the story took longer than ${limitMs / 1000} s`)), limitMs);
  });
  try {
    world = await World.create(places, name, await story.options?.());
    await world.startServer();
    await Promise.race([story.run(world), patience]);
    report.ok(name, story.title, Date.now() - begun);
  } catch (error) {
    await world?.report().catch(() => {});
    report.failed(name, story.title, error, world?.steps ?? [], relative(ROOT, join(places.out, name)));
  } finally {
    clearTimeout(timer);
    await world?.close().catch((error) => console.log(`        (closing ${name}: ${error})`));
  }
}

/** So many at a time. @param {{ name: string, story: Story }[]} list @param {number} jobs */
async function inLanes(list, jobs) {
  const queue = [...list];
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await tell(next);
  };
  await Promise.all(Array.from({ length: jobs }, lane));
}

// A story that ran out of time leaves promises behind; what they say then is noise.
process.on("unhandledRejection", () => {});
const list = await stories();
await Promise.all([
  ...list.filter(({ story }) => story.waits).map(tell),
  inLanes(list.filter(({ story }) => !story.waits), Number(options.jobs)),
]);
process.exit(report.end() ? 0 : 1);
