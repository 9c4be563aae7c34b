/**
 * Measures the figures side by side: in every round each library has its turn, in an order that moves on from round to round.
 * `node benches/run.mjs --server FILE --app FOLDER --chromium FILE --out FOLDER [--report FILE] [--rounds N] [--only PART] [--library NAME]`
 * What was weighed is given with `--core-bytes` and `--shell-bytes`; the chart goes beside the report.
 *
 * Ends with 1 if a bar is missed by more than the run's own noise.
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./lib/bundle.mjs";
import { chart } from "./lib/chart.mjs";
import { compare } from "./lib/compare.mjs";
import { FIGURES, unitOf } from "./lib/figures.mjs";
import { OURS, TOTAL } from "./lib/libraries.mjs";
import { digits, document, isMissed, setting, table } from "./lib/report.mjs";
import { isSlower, scenes } from "./lib/scenes.mjs";
import { Ours, startTheirs } from "./lib/servers.mjs";

/** @typedef {import("./lib/scenes.mjs").Measured} Measured */

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
    "core-bytes": { type: "string" },
    "shell-bytes": { type: "string" },
  },
});
const out = resolve(options.out);
const app = join(out, "app");
const rounds = Number(options.rounds);
let all = scenes(options.only, options.library);
const begun = Date.now();

await bundle(resolve(options.app), app);
const servers = new Ours(resolve(options.server), app, join(out, "ours"));
const { "core-bytes": core, "shell-bytes": shell } = options;
/** What each scene is given, but for the round. */
const given = {
  start: (/** @type {import("./lib/libraries.mjs").Library} */ library) =>
    library === OURS ? servers.start(TOTAL) : startTheirs(library.name, app, TOTAL),
  ours: (/** @type {number} */ count) => servers.start(count),
  stage: { chromium: resolve(options.chromium), out, total: TOTAL },
  download: core && shell ? { core: Number(core), shell: Number(shell) } : undefined,
};

/** By round. @type {Measured[][]} */
const measured = [];
for (let round = 0; round < rounds; round++) {
  /** @type {Measured[]} */
  const found = [];
  for (let turn = 0; turn < all.length; turn++) {
    const { measure } = all[(turn + round) % all.length];
    const results = await measure({ ...given, round });
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
const drawn = chart(measured);
if (drawn) writeFileSync(join(out, "performance.svg"), drawn);
if (options.report) {
  writeFileSync(resolve(options.report), document(rows, facts));
  if (drawn) writeFileSync(resolve(options.report).replace(/\.md$/, ".svg"), drawn);
}
process.exit(rows.some(isMissed) ? 1 : 0);

/** @param {number} round @param {Measured} result */
function tell(round, { library: { name, batch }, values }) {
  const shown = Object.entries(values).map(([figure, value]) => `${figure} ${digits(value)} ${unitOf(figure)}`);
  const seconds = ((Date.now() - begun) / 1000).toFixed(0).padStart(4);
  console.log(`${seconds} s  round ${round + 1}  ${name}${batch ? ` (batches of ${batch})` : ""}: ${shown.join(", ")}`);
}
