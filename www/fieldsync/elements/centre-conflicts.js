/** The sync centre's inbox: what needs a choice, by cause; and what rules decided without one. */
import { moment } from "../format.js";
import { translator } from "../i18n.js";
import { causeWords } from "./cause-words.js";
import { button, row } from "./centre-rows.js";
import { fromTo } from "./diff.js";
import { h } from "./h.js";
import { icon } from "./icons.js";
import { listed, whoAndWhen } from "./people.js";
import { labelOf, specOf, textOf } from "./values.js";

/**
 * @typedef {import("./sync-centre.js").SyncCentre} SyncCentre
 * @typedef {import("../types").Conflict} Conflict
 * @typedef {import("../types").ConflictGroup} ConflictGroup
 */

/** So many rows are drawn at first, and with each "show more". */
export const ROWS_SHOWN = 25;

/** Conflicts of one cause in one row, that opens; those alone in rows of their own. @param {SyncCentre} centre @param {ConflictGroup[]} groups */
export function conflictRows(centre, groups) {
  return shown(centre, "groups", groups, (group) =>
    group.conflicts.length === 1 ? conflictRow(centre, group.conflicts[0]) : groupRow(centre, group),
  );
}

/** The first of many, and a button for more. @template T @param {SyncCentre} centre @param {string} list @param {T[]} all @param {(item: T) => any} draw */
export function shown(centre, list, all, draw) {
  const limit = centre.limit(list);
  const rows = all.slice(0, limit).map(draw);
  if (all.length <= limit) return rows;
  const more = Math.min(all.length - limit, ROWS_SHOWN);
  const press = () => centre.showMore(list);
  const words = translator(centre.language)("centre.more", { n: more });
  return [...rows, h("li.row", null, h("button.button.small", { type: "button", dataset: { key: `more:${list}` }, onclick: press }, words))];
}

/** @param {SyncCentre} centre @param {Conflict} conflict */
function conflictRow(centre, conflict) {
  const { language, user } = centre;
  const t = translator(language);
  const { kind, madeTwice, fields, collection } = conflict;
  const names = listed(language, fields.map(({ field }) => labelOf(collection, field, language)));
  const newest = fields.find(({ by, at }) => by && at) ?? conflict;
  const what = kind === "fields" ? names : t(`centre.conflict.${kind}`);
  const about = [madeTwice && t("centre.conflict.made-twice"), what, whoAndWhen(newest, user, language)].filter(Boolean).join(" · ");
  return row(
    centre,
    conflict,
    [icon("split"), " ", conflict.putOff && [h("b", null, t("centre.put-off")), " · "], about],
    h("div.actions", null, button(centre, "do.choose", "choose-requested", conflict, { conflict }, "primary")),
  );
}

/** @param {SyncCentre} centre @param {ConflictGroup} group */
function groupRow(centre, group) {
  const { language, user } = centre;
  const t = translator(language);
  const { key, conflicts } = group;
  const n = conflicts.length;
  const putOff = conflicts.filter((each) => each.putOff).length;
  const names = conflicts.slice(0, 3).map(({ title }) => title);
  const about = n > 3 ? t("centre.group.names", { names: names.join(", "), n: n - 3 }) : listed(language, names);
  const list = h("ul.rows");
  const fill = () => list.replaceChildren(...shown(centre, key, conflicts, (conflict) => conflictRow(centre, conflict)));
  const details = h(
    "details",
    { id: `group-${key}`, open: centre.isOpen(`group-${key}`), ontoggle: () => details.open && !list.firstChild && fill() },
    h("summary", { dataset: { key: `each:${key}` } }, t("centre.group.each", { n })),
    list,
  );
  if (details.open) fill();
  const decide = () => centre.emit("choose-group-requested", { group });
  return h(
    "li.row.group",
    null,
    h(
      "div.words",
      null,
      h("p.cause", null, icon("split"), h("b", null, causeWords(group, user, language))),
      h("span.muted.small", null, about, putOff > 0 && ` · ${t("centre.group.put-off", { n: putOff })}`),
    ),
    h("div.actions", null, h("button.button.small.primary", { type: "button", dataset: { key: `choose-requested:${key}` }, onclick: decide }, t("centre.group.all", { n }))),
    details,
  );
}

/** What a rule set aside, and the way back. @param {SyncCentre} centre @param {import("../types").MergedEntry} entry */
export function mergedRow(centre, entry) {
  const { language } = centre;
  const t = translator(language);
  const when = entry.mergedAt ? moment(language, entry.mergedAt) : t("centre.merged.unsent");
  const news = entry.setAside.some(({ seen }) => !seen);
  return row(
    centre,
    entry,
    [icon("merge"), " ", news && [h("b", null, t("centre.merged.new")), " · "], when],
    entry.setAside.map((lost) => asideLine(centre, entry, lost)),
  );
}

/** @param {SyncCentre} centre @param {import("../types").MergedEntry} entry @param {import("../types").SetAside} lost */
function asideLine(centre, { collection, id }, lost) {
  const { language, user } = centre;
  const { field, value, won, mine } = lost;
  const t = translator(language);
  const spec = specOf(centre.schema, collection, field);
  const show = (/** @type {import("../types").Value} */ given) => textOf(spec, field, given, language);
  const label = labelOf(collection, field, language);
  const whose = t(mine ? "centre.yours-aside" : "centre.theirs-aside", { who: whoAndWhen(lost, user, language) });
  const press = () => centre.emit("put-back-requested", { record: { collection, id }, lost });
  return h(
    "div.aside",
    null,
    h("p.small", null, `${label}: `, fromTo(show(value), show(won), language), h("span.muted", null, ` · ${whose}`)),
    h(
      "button.button.small",
      { type: "button", "aria-label": t("merged.put-back.what", { field: label, value: show(value) }), dataset: { key: `put-back:${id}-${field}` }, onclick: press },
      t("merged.put-back"),
    ),
  );
}
