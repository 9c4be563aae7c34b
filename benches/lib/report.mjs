/** The table, and the document around it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { TOTAL } from "./libraries.mjs";

/**
 * @typedef {import("./compare.mjs").Row} Row
 * @typedef {import("./compare.mjs").Verdict} Verdict
 * @typedef {import("./stats.mjs").Summary} Summary
 */

const PACKAGES = ["dexie", "pouchdb-browser", "express-pouchdb", "rxdb", "minisearch"];
const NUMBERS = ["no", "one", "two", "three", "four"];
const HEAD = ["what", "Fieldsync, ms", "beside it, ms", "ratio", "bar", ""];

/** Whether a bar is missed by more than noise. @param {Row} row */
export function isMissed({ peers, verdict }) {
  return verdict === "missed" || peers.some((peer) => peer.verdict === "missed");
}

/** In Markdown, which a terminal shows well enough. @param {Row[]} rows */
export function table(rows) {
  const lines = rows.flatMap(({ figure, ours, peers, verdict }) => {
    const shown = (/** @type {Summary} */ values) => spread(values, figure.unit);
    const judged = (/** @type {Verdict} */ of) => [figure.bar?.of ?? "", of === "no bar" ? "" : of];
    if (!peers.length) return [[figure.what, shown(ours), "", "", ...judged(verdict)]];
    return peers.map(({ name, batch, times, ratio, verdict }) => [
      figure.what,
      shown(ours),
      `${name}${batch ? ` (batches of ${batch.toLocaleString("en")})` : ""} ${shown(times)}`,
      `**${digits(ratio.median)}** (${digits(ratio.min)}–${digits(ratio.max)})`,
      ...judged(verdict),
    ]);
  });
  const rule = HEAD.map(() => "---");
  return [HEAD, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Under which circumstances. @param {{ rounds: number, chromium: string, seconds: number }} run */
export async function setting({ rounds, chromium, seconds }) {
  const { devDependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const versions = PACKAGES.map((name) => `${name} ${devDependencies[name]}`);
  const browser = execFileSync(chromium, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).match(/[\d.]+/)?.[0] ?? "of unknown version";
  const cores = cpus().length;
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}, on a machine with ${NUMBERS[cores] ?? cores} cores, in ${seconds.toFixed(0)} seconds.`,
    `Chromium ${browser} with a profile on disk; ${versions.join(", ")}.`,
    `Medians of ${NUMBERS[rounds] ?? rounds} round${rounds === 1 ? "" : "s"}, and the least and the most in brackets; in each round everything has its turn.`,
  ];
}

/** @param {Row[]} rows @param {string[]} facts */
export function document(rows, facts) {
  const all = rows.flatMap(({ figure, peers, verdict }) => {
    const line = `- ${figure.what}: ${figure.bar?.of}`;
    return [{ line, verdict }, ...peers.map(({ name, verdict }) => ({ line: `${line}, beside ${name}`, verdict }))];
  });
  const of = (/** @type {Verdict} */ wanted) => all.filter(({ verdict }) => verdict === wanted).map(({ line }) => line);
  const section = (/** @type {string} */ title, /** @type {string[]} */ lines) =>
    lines.length ? [`## ${title}`, "", ...lines, ""] : [];
  return [
    "# Performance",
    "",
    "`cargo xtask bench` measures this and writes this page; what is on it by hand is lost.",
    "",
    facts.join(" "),
    "",
    table(rows),
    "",
    ...CHART,
    ...section("Bars that are met", of("met")),
    ...section("Bars that are missed, within what the rounds differ", of("missed within noise")),
    ...section("Bars that are missed", of("missed")),
    HOW,
  ].join("\n");
}

/** @param {Summary} values @param {import("./figures.mjs").Unit} [unit] Milliseconds, which the head says, go without. */
function spread({ median, min, max }, unit) {
  return `${digits(median)}${unit ? ` ${unit}` : ""} (${digits(min)}–${digits(max)})`;
}

/** Three digits that count. @param {number} value */
export function digits(value) {
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(value >= 1 ? 3 : 2);
}

const CHART = ["![First sync, opening and lists, from 1,000 to 100,000 records](performance.svg)", ""];

const HOW = `## How it is measured

Times differ from machine to machine, and from day to day; what counts is the ratio, which is that of two turns in one round. A bar is
missed when no round met it; then the command fails. The chart's sizes that have no row have one turn.

- **The data** is the same ${TOTAL.toLocaleString("en")} customers of about 375 bytes, on the server and on the device; as many more as it says where
  it says so.
- **A first sync** is timed without a network, from the first text to committed rows and the first 50 of them by name. For Fieldsync the page
  has asked the server for all pages of the snapshot, and keeps their text in memory; then it opens the client, and its own
  \`fetch\` answers with them, a page for each request. Nothing else is asked of the server until it is done. So the product goes all
  its way, from the request to the commit. Beside it, IndexedDB by hand: the fields of the same records as JSON text,
  parsed and put as a row each, with three indexes and relaxed durability, in transactions of 1,000 and of 10,000 rows; the better one is in
  the table. Fieldsync's text is the longer one, as the server says of each record who made it when. Both have the database open, and the
  library loaded.
- **A save** is an update of two fields, one after the other, each of another customer: from the call until its promise resolves,
  offline. Beside it, IndexedDB by hand: the record, with three indexes, and a row of a queue in one strict transaction. The two
  take turns in one page.
- **A save meanwhile** is one every 25 ms, of one of the records that came first, while 100,000 come as fast as the page can take them.
- **Opening** is from the call that opens the database until 50 records by name are there, in a page that was just loaded, with the library
  loaded, in a profile that has the records: the median of three pages. **From navigation** is from the browser's navigation,
  with the library in its cache; no service worker. Fieldsync's user is signed in by the cookie, and the page does not wait for
  that. Dexie has the records by \`bulkPut\`, and lists with \`orderBy("name").limit(50)\`.
- **Memory** is the heap of JavaScript with its array buffers after a collection (CDP), and the memory of the wasm, which never shrinks, in a tab that opened the
  database, has listed 50 by name and is at rest; less the same of the app without a record. It stands beside the JSON of the records' fields.
- **The longest task** is the longest that Chromium tells while 10,000 are first synced from our server and the processor is throttled (CDP):
  it tells those over 50 ms, so 50 stands for none.
- **3G** is a line of our own between browser and server, for all that goes through: 1.6 Mbit/s each way, shared by all connections, and 150 ms
  there and back. The first sync is a first visit with nothing cached, and begins with the navigation: page, library and sign-in are
  part of it. The delta is 100 records that another device changed, from \`sync()\` until they are there. Saving what is queued is not throttled; a page is
  loaded before, and the network is back from the event \`online\` on.
- **The download** is what \`cargo xtask size\` weighs.
- **Queued changes** are updates of two fields of customers that both sides have, saved on the device while it is offline, in a page
  that was just loaded. The time is from the browser's event \`online\` until the library says that nothing is left: Fieldsync's status has
  none pending, and the others' replication, which only pushes, is complete. Then the server is asked whether it has them all.
- **Records pulled** is a first sync into an empty profile, from opening the client or starting the replication.
- **The servers** are on the same machine, and each page comes from its own server. Fieldsync's is a release build that keeps
  its database on disk. The others' keep theirs in memory: express-pouchdb for PouchDB, and for RxDB the endpoints of its
  documentation over a map.
- **PouchDB** has its browser preset and \`replicate.to\`; **RxDB** its storage over Dexie, one tab, and \`replicateRxCollection\`. Each runs
  with batches of 100 and of 500, both ways; the better one is in the table, figure by figure. A size that was slower at everything
  in the first round does not run again.
`;
