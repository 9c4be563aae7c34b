/** The chart: how a first sync, a list and an opening grow with the number of records. Plain SVG, readable on light and on dark. */
import { OURS } from "./libraries.mjs";
import { SIZES } from "./sizes.mjs";
import { summary } from "./stats.mjs";

/**
 * @typedef {import("./scenes.mjs").Measured} Measured
 * @typedef {{ size: number, ms: number }[]} Line
 * @typedef {{ id: string, title: string, peer: string }} Panel
 */

/** @type {Panel[]} */
const PANELS = [
  { id: "first-sync", title: "First sync", peer: "IndexedDB" },
  { id: "open", title: "Opening to the first 50", peer: "Dexie" },
  { id: "list", title: "50 by name", peer: "IndexedDB" },
];
/** Of one panel's square, of what is between them (names of lines, and the next one's numbers), and of the margins. */
const [WIDTH, HEIGHT, GAP, LEFT, TOP] = [170, 170, 125, 55, 30];
/** Of a line of text. */
const LINE = 14;
const STYLE = `text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600}.grid{stroke:#8884}
.ours{color:#0a6ebd}.peer{color:#b4540a}polyline{fill:none;stroke:currentColor;stroke-width:2}circle,.ours text,.peer text{fill:currentColor}
@media(prefers-color-scheme:dark){text{fill:#ccc}.ours{color:#58b0f5}.peer{color:#f0a050}}`;

/** Nothing, if this run did not measure the growth. @param {Measured[][]} rounds @returns {string | undefined} */
export function chart(rounds) {
  const panels = PANELS.map((panel) => ({ ...panel, ours: line(rounds, OURS.name, panel.id), theirs: line(rounds, panel.peer, panel.id) }));
  if (panels.some(({ ours, theirs }) => ours.length < SIZES.length || theirs.length < SIZES.length)) return undefined;
  const drawn = panels.map((panel, index) => `<g transform="translate(${LEFT + index * (WIDTH + GAP)} ${TOP})">${draw(panel)}</g>`);
  const [width, height] = [LEFT + PANELS.length * (WIDTH + GAP), TOP + HEIGHT + 45];
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`;
  const title = "<title>Milliseconds by number of records, both logarithmic</title>";
  return `${open}${title}<style>${STYLE}</style>\n${drawn.join("\n")}\n</svg>\n`;
}

/** The median of each size; the best of the sizes of batch. @param {Measured[][]} rounds @param {string} name @param {string} id @returns {Line} */
function line(rounds, name, id) {
  return SIZES.flatMap((size) => {
    /** @type {Map<import("./libraries.mjs").Library, number[]>} */
    const times = new Map();
    for (const { library, values } of rounds.flat()) {
      const ms = values[`${id}-${size}`];
      if (library.name === name && ms !== undefined) times.set(library, [...(times.get(library) ?? []), ms]);
    }
    return times.size ? [{ size, ms: Math.min(...[...times.values()].map((all) => summary(all).median)) }] : [];
  });
}

/** @param {Panel & { ours: Line, theirs: Line }} panel */
function draw({ title, peer, ours, theirs }) {
  const all = [...ours, ...theirs].map(({ ms }) => Math.log10(ms));
  const [low, high] = [Math.floor(Math.min(...all)), Math.ceil(Math.max(...all))];
  const y = (/** @type {number} */ ms) => round(HEIGHT - ((Math.log10(ms) - low) / (high - low)) * HEIGHT);
  const parts = [`<text class="title" y="-14">${title}, ms</text>`];
  for (let power = low; power <= high; power++) parts.push(grid(0, WIDTH, y(10 ** power), y(10 ** power), -6, y(10 ** power) + 4, "end", 10 ** power));
  for (const size of SIZES) parts.push(grid(x(size), x(size), 0, HEIGHT, x(size), HEIGHT + 16, "middle", size / 1000, "k"));
  parts.push(`<text x="${WIDTH / 2}" y="${HEIGHT + 34}" text-anchor="middle">records</text>`);
  // Each line's name stands at its end; two that end close together make room for each other.
  const [end, other] = [ours, theirs].map((line) => y(line[line.length - 1].ms));
  const aside = Math.max(0, LINE - Math.abs(end - other)) / 2;
  const away = end < other ? -aside : aside;
  parts.push(curve("ours", OURS.name, ours, y, end + away), curve("peer", peer, theirs, y, other - away));
  return parts.join("");
}

/** @param {number} size */
function x(size) {
  return round((Math.log10(size / SIZES[0]) / Math.log10(SIZES[SIZES.length - 1] / SIZES[0])) * WIDTH);
}

/**
 * A line of the grid and its number.
 * @param {number} x1 @param {number} x2 @param {number} y1 @param {number} y2 @param {number} atX @param {number} atY @param {string} anchor @param {number} value
 */
function grid(x1, x2, y1, y2, atX, atY, anchor, value, unit = "") {
  const number = `${value.toLocaleString("en")}${unit}`;
  return `<line class="grid" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/><text x="${atX}" y="${atY}" text-anchor="${anchor}">${number}</text>`;
}

/** @param {string} style @param {string} name @param {Line} line @param {(ms: number) => number} y @param {number} nameY */
function curve(style, name, line, y, nameY) {
  const points = line.map(({ size, ms }) => `${x(size)},${y(ms)}`);
  const dots = line.map(({ size, ms }) => `<circle cx="${x(size)}" cy="${y(ms)}" r="3"/>`);
  const label = `<text x="${WIDTH + 7}" y="${round(nameY + 4)}">${name}</text>`;
  return `<g class="${style}"><polyline points="${points.join(" ")}"/>${dots.join("")}${label}</g>`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
