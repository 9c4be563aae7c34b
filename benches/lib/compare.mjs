/** What was measured, compared: the medians, and the ratio of each round. */
import { OURS } from "./libraries.mjs";
import { summary } from "./stats.mjs";

/**
 * @typedef {import("./figures.mjs").Figure} Figure
 * @typedef {import("./scenes.mjs").Measured} Measured
 * @typedef {import("./stats.mjs").Summary} Summary
 * @typedef {"met" | "missed within noise" | "missed" | "no bar"} Verdict
 * @typedef {{ name: string, batch?: number, times: Summary, ratio: Summary, verdict: Verdict }} Peer
 * @typedef {{ figure: Figure, ours: Summary, peers: Peer[], verdict: Verdict }} Row `verdict`: of the value itself, if nothing stands beside it.
 */

/** Nothing, if this run did not measure it. @param {Figure} figure @param {Measured[][]} rounds @returns {Row | undefined} */
export function compare(figure, rounds) {
  const ours = valuesOf(figure.id, rounds, ({ library }) => library === OURS);
  if (ours.length < rounds.length) return undefined;
  const peers = (figure.against ?? []).flatMap((name) => {
    const batches = new Set(rounds.at(-1)?.flatMap(({ library, values }) => (library.name === name && figure.id in values ? [library.batch] : [])));
    const all = [...batches].map((batch) => {
      const times = valuesOf(figure.id, rounds, ({ library }) => library.name === name && library.batch === batch);
      return peer(figure, name, batch, times, ours);
    });
    // A run of one round has both sizes.
    return all.sort((a, b) => a.times.median - b.times.median).slice(0, 1);
  });
  const { beside } = figure;
  if (beside) peers.push(peer(figure, beside.name, undefined, valuesOf(beside.id, rounds, ({ library }) => library === OURS), ours));
  const values = summary(ours);
  return { figure, ours: values, peers, verdict: peers.length ? "no bar" : verdict(figure.bar, values) };
}

/** @param {string} id @param {Measured[][]} rounds @param {(measured: Measured) => boolean} is */
function valuesOf(id, rounds, is) {
  return rounds.flatMap((round) => round.filter((one) => is(one) && id in one.values).map(({ values }) => values[id]));
}

/** @param {Figure} figure @param {string} name @param {number | undefined} batch @param {number[]} times @param {number[]} ours @returns {Peer} */
function peer({ bar }, name, batch, times, ours) {
  // "so many times faster" is theirs by ours, "so many times as long" the other way round.
  const isFaster = bar?.atLeast !== undefined;
  const ratio = summary(ours.map((mine, round) => (isFaster ? times[round] / mine : mine / times[round])));
  return { name, batch, times: summary(times), ratio, verdict: verdict(bar, ratio) };
}

/** A bar that one of the rounds met is missed within the noise. @param {Figure["bar"]} bar @param {Summary} ratio @returns {Verdict} */
function verdict(bar, ratio) {
  if (!bar) return "no bar";
  const keeps = (/** @type {number} */ value) => value <= (bar.atMost ?? Infinity) && value >= (bar.atLeast ?? 0);
  if (keeps(ratio.median)) return "met";
  return keeps(ratio.min) || keeps(ratio.max) ? "missed within noise" : "missed";
}
