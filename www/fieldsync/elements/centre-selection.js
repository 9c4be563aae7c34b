/** The sync centre's part about what is on this device: what comes just now, and what to sync. */
import { bytes, wait } from "../format.js";
import { translator } from "../i18n.js";
import { h } from "./h.js";
import { word } from "./values.js";

/**
 * @typedef {import("./sync-centre.js").SyncCentre} SyncCentre
 * @typedef {import("../types").SelectedCollection} SelectedCollection
 * @typedef {import("../types").SelectionChanges} SelectionChanges
 * @typedef {import("../types").SelectionPreview} SelectionPreview
 * @typedef {object} SelectionData
 * @property {{ [collection: string]: SelectedCollection }} selection `client.selection`.
 * @property {string[]} collections Those that a person chooses from, in their order.
 * @property {boolean} [team] Whether the user sees more than their own: "only mine" can be chosen.
 * @property {SelectionPreview} [here] What is here now: a preview of no change.
 * @property {{ changes: SelectionChanges, result?: SelectionPreview | "failed" }} [preview] After it was asked for.
 */

const DAYS = [30, 90, 365];

/** What comes, how much of it is here, and how long it will take. @param {SyncCentre} centre @param {import("../types").SyncStatus} status */
export function coming(centre, { progress }) {
  const { language } = centre;
  const t = translator(language);
  if (!progress) return null;
  const { done, total, bytes: size, leftMs, paused } = progress;
  const facts = [t("centre.coming.facts", { done, total }), size > 0 && bytes(language, size), !paused && leftMs !== undefined && t("centre.coming.left", { time: wait(language, leftMs) })];
  const [name, event] = paused ? ["do.resume", "resume-requested"] : ["do.pause", "pause-requested"];
  return [
    h("h2", { id: "coming-title" }, t(paused ? "centre.coming.paused" : "centre.coming")),
    h("progress", { max: Math.max(total, 1), value: done, "aria-labelledby": "coming-title" }),
    h("p.muted", null, facts.filter(Boolean).join(" · ")),
    h("div.actions", null, h("button.button.small", { type: "button", dataset: { key: "pause" }, onclick: () => centre.emit(event) }, t(name))),
  ];
}

/** @param {SyncCentre} centre @param {SelectionData} data */
export function selectionPart(centre, data) {
  const t = translator(centre.language);
  const { wish } = centre;
  const rows = data.collections.filter((name) => data.selection[name]).map((name) => collectionRow(centre, data, name));
  const left = data.collections.filter((name) => wanted(centre, data, name));
  return [
    h("p.muted", null, t("centre.selection.hint")),
    h("div.choices", null, rows),
    wish.size > 0 && [
      h("div.preview", { role: "status" }, left.length ? words(centre, data) : h("p.note", null, t("centre.selection.one"))),
      h(
        "div.actions",
        null,
        button(centre, "centre.selection.apply", "primary", !left.length || !isPreviewed(centre, data), () => {
          centre.emit("selection-chosen", { changes: Object.fromEntries(wish) });
          wish.clear();
          centre.draw();
        }),
        button(centre, "centre.selection.cancel", "small", false, () => {
          wish.clear();
          centre.draw();
        }),
      ),
    ],
  ];
}

/** @param {SyncCentre} centre @param {string} word @param {string} look @param {boolean} disabled @param {() => void} onclick */
function button(centre, word, look, disabled, onclick) {
  return h(`button.button.${look}`, { type: "button", disabled, dataset: { key: word }, onclick }, translator(centre.language)(word));
}

/** What would be chosen of a collection. @param {SyncCentre} centre @param {SelectionData} data @param {string} name @returns {{ whose: string, days?: number } | false} */
function wanted(centre, { selection }, name) {
  const { selected, whose, days } = selection[name];
  const part = selected ? { whose, days } : false;
  return /** @type {typeof part} */ (centre.wish.has(name) ? centre.wish.get(name) : part);
}

/** @param {SyncCentre} centre @param {SelectionData} data @param {string} name */
function collectionRow(centre, data, name) {
  const { language, schema } = centre;
  const t = translator(language);
  const title = word(`collection.${name}`, name.charAt(0).toUpperCase() + name.slice(1), language);
  const part = wanted(centre, data, name);
  const choose = (/** @type {typeof part} */ changed) => {
    const { selected, whose, days } = data.selection[name];
    const same = changed ? selected && changed.whose === whose && changed.days === days : !selected;
    if (same) centre.wish.delete(name);
    else centre.wish.set(name, /** @type {any} */ (changed));
    centre.draw();
    if (centre.wish.size > 0) centre.emit("selection-preview-requested", { changes: Object.fromEntries(centre.wish) });
  };
  const spec = /** @type {{ dated_by?: string, access?: { kind: string } } | undefined} */ (schema?.collections.find((each) => each.name === name));
  const box = h("input", { type: "checkbox", checked: !!part, dataset: { key: `select:${name}` }, onchange: () => choose(part ? false : { whose: "team" }) });
  return h(
    "div.choice",
    null,
    h("label.check", null, box, h("span", null, h("b", null, title), h("span.muted.small", null, facts(centre, data, name)))),
    part && spec?.dated_by && days(centre, title, name, part.days, (n) => choose({ ...part, days: n })),
    part && data.team && (spec?.access?.kind ?? "everyone") !== "everyone" &&
      select(centre, t("centre.selection.whose", { name: title }), `whose:${name}`, part.whose, [["team", t("centre.selection.team")], ["mine", t("centre.selection.mine")]], (whose) => choose({ ...part, whose })),
  );
}

/** @param {SyncCentre} centre @param {string} title @param {string} name @param {number | undefined} chosen @param {(days: number | undefined) => void} choose */
function days(centre, title, name, chosen, choose) {
  const t = translator(centre.language);
  const offered = [...new Set([...DAYS, ...(chosen ? [chosen] : [])])].sort((a, b) => a - b);
  const options = [["", t("centre.selection.all")], ...offered.map((n) => [String(n), t("centre.selection.days", { n })])];
  return select(centre, t("centre.selection.reach", { name: title }), `days:${name}`, String(chosen ?? ""), options, (value) => choose(value ? Number(value) : undefined));
}

/** @param {SyncCentre} centre @param {string} label @param {string} key @param {string} value @param {string[][]} options @param {(value: any) => void} choose */
function select(centre, label, key, value, options, choose) {
  const onchange = (/** @type {Event} */ event) => choose(/** @type {HTMLSelectElement} */ (event.target).value);
  return h("select", { "aria-label": label, dataset: { key }, onchange }, options.map(([of, text]) => h("option", { value: of, selected: of === value }, text)));
}

/** @param {SyncCentre} centre @param {SelectionData} data @param {string} name */
function facts({ language }, { selection, here }, name) {
  const t = translator(language);
  if (selection[name].here === "nothing") return t("centre.selection.nothing-here");
  const count = here?.collections[name]?.here;
  const much = count && t("centre.selection.here", { n: count.records, size: bytes(language, count.bytes) });
  return [much, selection[name].here === "loading" && t("centre.selection.loading")].filter(Boolean).join(" · ");
}

/** Whether what would be chosen is what was asked about. @param {SyncCentre} centre @param {SelectionData} data */
function isPreviewed({ wish }, { preview }) {
  return !!preview?.result && JSON.stringify(preview.changes) === JSON.stringify(Object.fromEntries(wish));
}

/** @param {SyncCentre} centre @param {SelectionData} data */
function words(centre, data) {
  const { language } = centre;
  const t = translator(language);
  const { preview } = data;
  if (!isPreviewed(centre, data) || !preview?.result) return h("p.muted", null, t("centre.selection.asking"));
  if (preview.result === "failed") return h("p.note", null, t("centre.selection.failed"));
  const { frees, fetches, unsent } = preview.result;
  const much = (/** @type {string} */ key, /** @type {import("../types").Count} */ count) => t(key, { n: count.records, size: bytes(language, count.bytes) });
  const lines = [
    frees.records > 0 && much("centre.selection.frees", frees),
    fetches && fetches.records > 0 && much("centre.selection.fetches", fetches),
    !fetches && t("centre.selection.unknown"),
    unsent > 0 && t("centre.selection.unsent", { n: unsent }),
  ].filter(Boolean);
  return (lines.length ? lines : [t("centre.selection.no-change")]).map((line) => h("p", null, line));
}
