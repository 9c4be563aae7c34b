/** The table, and the document around it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { TOTAL } from "./figures.mjs";

/**
 * @typedef {import("./compare.mjs").Row} Row
 * @typedef {import("./stats.mjs").Summary} Summary
 */

const PACKAGES = ["pouchdb-browser", "express-pouchdb", "rxdb", "minisearch"];
const NUMBERS = ["no", "one", "two", "three", "four"];
const HEAD = ["what", "Fieldsync, ms", "beside it, ms", "ratio", "bar", ""];

/** Whether a bar is missed by more than noise. @param {Row} row */
export function isMissed(row) {
  return row.peers.some(({ verdict }) => verdict === "missed");
}

/** In Markdown, which a terminal shows well enough. @param {Row[]} rows */
export function table(rows) {
  const lines = rows.flatMap(({ figure, ours, peers }) =>
    peers.map(({ name, batch, times, ratio, verdict }) => [
      figure.what,
      spread(ours),
      `${name}${batch ? ` (batches of ${batch})` : ""} ${spread(times)}`,
      `**${digits(ratio.median)}** (${digits(ratio.min)}–${digits(ratio.max)})`,
      figure.bar?.of ?? "",
      verdict === "no bar" ? "" : verdict,
    ]),
  );
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
    `Medians of ${rounds} rounds, and the least and the most in brackets; in each round everything has its turn.`,
  ];
}

/** @param {Row[]} rows @param {string[]} facts */
export function document(rows, facts) {
  const all = rows.flatMap(({ figure, peers }) => peers.map((peer) => ({ ...peer, figure })));
  const of = (/** @type {string} */ wanted) =>
    all.filter(({ verdict }) => verdict === wanted).map(({ figure, name }) => `- ${figure.what}: ${figure.bar?.of}, beside ${name}`);
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
    ...section("Bars that are met", of("met")),
    ...section("Bars that are missed, within what the rounds differ", of("missed within noise")),
    ...section("Bars that are missed", of("missed")),
    HOW,
  ].join("\n");
}

/** @param {Summary} times */
function spread({ median, min, max }) {
  return `${digits(median)} (${digits(min)}–${digits(max)})`;
}

/** Three digits that count. @param {number} value */
function digits(value) {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(value >= 1 ? 3 : 2);
}

const HOW = `## How it is measured

Times differ from machine to machine, and from day to day; what counts is the ratio, which is that of two turns in one round. A bar is
missed when no round met it; then the command fails.

- **The data** is the same ${TOTAL.toLocaleString("en")} customers of about 375 bytes, on the server and on the device.
- **A save** is an update of two fields, one after the other, each of another customer: from the call until its promise resolves,
  offline. Beside it, IndexedDB by hand: the record, with three indexes, and a row of a queue in one strict transaction. The two
  take turns in one page.
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
