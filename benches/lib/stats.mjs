/** Medians and their spread. */

/** @typedef {{ median: number, min: number, max: number }} Summary */

/** @param {number[]} values @returns {Summary} */
export function summary(values) {
  if (!values.length) throw new Error("nothing was measured");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/**
 * A percentile of times that a clock with steps measured: many are equal, and the true value lies somewhere within their step.
 * So each step is taken as evenly filled (the grouped percentile).
 * @param {number[]} values @param {number} part 0.5 is the median @param {number} step
 */
export function percentile(values, part, step) {
  const bins = new Map();
  for (const value of values) {
    const bin = Math.round(value / step);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  const wanted = part * values.length;
  let below = 0;
  for (const bin of [...bins.keys()].sort((a, b) => a - b)) {
    const count = bins.get(bin);
    if (below + count >= wanted) return (bin - 0.5 + (wanted - below) / count) * step;
    below += count;
  }
  throw new Error("nothing was measured");
}
