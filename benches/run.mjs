/**
 * Measures the figures side by side: in every round each library has its turn, in an order that moves on from round to round.
 * `node benches/run.mjs --server FILE --app FOLDER --chromium FILE --out FOLDER [--report FILE] [--rounds N] [--only PART] [--library NAME]`
 *
 * Ends with 1 if a bar is missed by more than the run's own noise.
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./lib/bundle.mjs";
import { FIGURES, OURS, TOTAL, isSlower, scenes } from "./lib/figures.mjs";
import { compare } from "./lib/compare.mjs";
import { document, isMissed, setting, table } from "./lib/report.mjs";
import { Ours, startTheirs } from "./lib/servers.mjs";

/** @typedef {import("./lib/figures.mjs").Measured} Measured */

const { values: options } = parseArgs({
  options: {
    server: { type: "string", default: "target/release/fieldsync-server" },
    app: { type: "string", default: "target/www" },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
    out: { type: "string", default: "target/bench" },
    report: { type: "string" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", multiple: true, default: [] },
    library: { type: "string", multiple: true, default: [] },
  },
});
const out = resolve(options.out);
const app = join(out, "app");
const rounds = Number(options.rounds);
let all = scenes(options.only, options.library);
const begun = Date.now();

await bundle(resolve(options.app), app);
const ours = new Ours(resolve(options.server), app, join(out, "ours"));
await ours.fill(TOTAL);
const start = (/** @type {import("./lib/stage.mjs").Library} */ library) => (library === OURS ? ours.start() : startTheirs(library.name, app, TOTAL));

/** By round. @type {Measured[][]} */
const measured = [];
for (let round = 0; round < rounds; round++) {
  /** @type {Measured[]} */
  const found = [];
  for (let turn = 0; turn < all.length; turn++) {
    const { measure } = all[(turn + round) % all.length];
    const results = await measure({ start, stage: { chromium: resolve(options.chromium), out, total: TOTAL }, round });
    for (const result of results) tell(round, result);
    found.push(...results);
  }
  measured.push(found);
  all = all.filter(({ library }) => !isSlower(library, found));
}

const rows = FIGURES.flatMap((figure) => compare(figure, measured) ?? []);
console.log(`\n${table(rows)}\n`);
const facts = await setting({ rounds, chromium: resolve(options.chromium), seconds: (Date.now() - begun) / 1000 });
console.log(facts.join("\n"));
writeFileSync(join(out, "measured.json"), JSON.stringify(measured, null, 1));
if (options.report) writeFileSync(resolve(options.report), document(rows, facts));
process.exit(rows.some(isMissed) ? 1 : 0);

/** @param {number} round @param {Measured} result */
function tell(round, { library: { name, batch }, values }) {
  const shown = Object.entries(values).map(([figure, value]) => `${figure} ${value.toFixed(value < 10 ? 2 : 0)} ms`);
  const seconds = ((Date.now() - begun) / 1000).toFixed(0).padStart(4);
  console.log(`${seconds} s  round ${round + 1}  ${name}${batch ? ` (batches of ${batch})` : ""}: ${shown.join(", ")}`);
}
