/** Icons as strokes on a 24 by 24 grid: their shape says the state, their colour only repeats it. */

const SVG = "http://www.w3.org/2000/svg";

/** @type {{ [name: string]: string }} */
const PATHS = {
  key: "M14.5 9.5a4 4 0 1 0-3.6 4L12 12.5h2V10.5h.5zM14 10l6.5 6.5V20H17v-2h-2v-2l-2.2-2.2M8.5 8.5h.01",
  octagon: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16.5v.01",
  split: "M4 12h5l6-6h5M9 12l6 6h5M17 3l3 3-3 3M17 15l3 3-3 3",
  "cloud-off": "M4 4l16 16M8.2 8.2A5.5 5.5 0 0 0 7 19h11M12 6.1a5.5 5.5 0 0 1 5.4 4.4A4.3 4.3 0 0 1 20.8 17",
  arrows: "M4 11a8 8 0 0 1 14-4.6L20 8.5M20 4v4.5h-4.5M20 13a8 8 0 0 1-14 4.6L4 15.5M4 20v-4.5h4.5",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  hourglass: "M6 3h12M6 21h12M7 3c0 5 5 6 5 9s-5 4-5 9M17 3c0 5-5 6-5 9s5 4 5 9",
  download: "M12 3v12M7 10.5l5 5 5-5M4 20h16",
  disk: "M4 4h12l4 4v12H4zM8 4v5h7M8 20v-6h8v6",
  alert: "M12 3.5L22 20.5H2zM12 10v4.5M12 17.5v.01",
  up: "M12 20V5M6 11l6-6 6 6",
  check: "M4.5 12.5l5 5 10-11",
  merge: "M5 4c0 6 7 5 7 10v6M19 4c0 6-7 5-7 10M9 17l3 3 3-3",
  "cloud-up": "M7 18.5a4.5 4.5 0 0 1-.6-9A6 6 0 0 1 18 8.6a5 5 0 0 1 .5 9.9M12 20v-8M9 14.5l3-3 3 3",
  chevron: "M9 5l7 7-7 7",
};

/** An app's own icons. @param {{ [name: string]: string }} paths */
export function addIcons(paths) {
  Object.assign(PATHS, paths);
}

/** Decoration: the words beside it say the same. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    "aria-hidden": "true",
    focusable: "false",
    class: "icon",
  })) {
    svg.setAttribute(key, value);
  }
  svg.dataset.icon = name;
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? "");
  svg.append(path);
  return svg;
}
