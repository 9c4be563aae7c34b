/** Draws the PNG icons from icon.svg: `npm run icons`. They are committed; the build only copies them. */
import { readFile, writeFile } from "node:fs/promises";
import { Resvg } from "@resvg/resvg-js";

const source = await readFile(new URL("icon.svg", import.meta.url), "utf8");
const square = source.replace('rx="112"', 'rx="0"');
/** A mask may cut all but the middle four fifths. */
const safe = square.replace('id="mark"', 'id="mark" transform="translate(256 256) scale(0.78) translate(-256 -256)"');
/** Only its shape is used: white on nothing. */
const mono = safe.replace(/<rect[^>]*\/>/, "").replaceAll("scale(0.78)", "scale(1.15)");

const ICONS = [
  ["icon-192.png", source, 192],
  ["icon-512.png", source, 512],
  ["icon-maskable-512.png", safe, 512],
  ["icon-monochrome-96.png", mono, 96],
  // iOS rounds it itself, and shows black where it is transparent.
  ["apple-touch-icon.png", square, 180],
];

for (const [name, svg, size] of ICONS) {
  const png = new Resvg(svg, { fitTo: { mode: "width", value: size } }).render().asPng();
  await writeFile(new URL(name, import.meta.url), png);
  console.log(`${name}: ${size} px, ${png.length} bytes`);
}
