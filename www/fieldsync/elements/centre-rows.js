/** The rows of the sync centre. */
import { moment } from "../format.js";
import { translator } from "../i18n.js";
import { takenWords } from "./cause-words.js";
import { discardPart } from "./centre-discard.js";
import { h } from "./h.js";
import { icon } from "./icons.js";
import { listed } from "./people.js";
import { labelOf } from "./values.js";

/**
 * @typedef {import("./sync-centre.js").SyncCentre} SyncCentre
 * @typedef {import("../types").OutboxEntry} OutboxEntry
 */

/** @param {SyncCentre} centre @param {{ collection: string, id: string, title: string }} record @param {any} facts @param {...any} rest */
export function row(centre, { collection, id, title }, facts, ...rest) {
  const open = () => centre.emit("open-requested", { collection, id });
  // A record that is gone has no name left, only its id.
  const name = title === id ? translator(centre.language)("centre.nameless") : title;
  return h(
    "li.row",
    null,
    h(
      "div.words",
      null,
      h("button.title", { type: "button", dataset: { key: `open:${id}` }, onclick: open }, name),
      h("span.muted.small", null, facts),
    ),
    rest,
  );
}

/** @param {SyncCentre} centre @param {string} word @param {string} event @param {{ id: string, title?: string }} record @param {object} detail @param {string} [look] */
export function button(centre, word, event, record, detail, look = "") {
  const name = look ? `button.button.small.${look}` : "button.button.small";
  return h(
    name,
    {
      type: "button",
      "aria-label": record.title && `${translator(centre.language)(word)}: ${record.title}`,
      dataset: { key: `${event}:${record.id}` },
      onclick: () => centre.emit(event, detail),
    },
    translator(centre.language)(word),
  );
}

/** @param {SyncCentre} centre @param {OutboxEntry} entry */
function facts(centre, entry) {
  const t = translator(centre.language);
  const saved = entry.changes[entry.changes.length - 1]?.savedAt;
  return [
    t(`action.${entry.action}`),
    entry.changes.length > 1 && t("centre.more-changes", { n: entry.changes.length }),
    saved && t("centre.since", { time: moment(centre.language, saved) }),
    entry.attempts > 0 && t("centre.attempts", { n: entry.attempts }),
    waits(centre, entry),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Why it is still here; failures and choices have a part of their own. @param {SyncCentre} centre @param {OutboxEntry} entry */
function waits(centre, { waits, status, then, nextAttemptAt }) {
  const t = translator(centre.language);
  if (then) return t("centre.later");
  if (waits === "server" && nextAttemptAt) return t("centre.waits.server", { time: moment(centre.language, nextAttemptAt) });
  if (waits === "turn") return status === "pending" && t("centre.waits.turn");
  return { record: t("centre.blocked"), undo: t("centre.held") }[/** @type {"record" | "undo"} */ (waits)];
}

/** What the server will probably refuse. @param {SyncCentre} centre @param {OutboxEntry} entry */
function warnings(centre, { collection, warnings = [] }) {
  const t = translator(centre.language);
  return warnings.map(({ field, rule }) =>
    h("p.note.small", null, t(`warning.${rule}`), ` ${t("problem.field", { field: labelOf(collection, field, centre.language) })}`),
  );
}

/** @param {SyncCentre} centre @param {OutboxEntry} entry */
export function unsentRow(centre, entry) {
  const shape = icon(entry.status === "sending" ? "arrows" : "cloud-up");
  return row(
    centre,
    entry,
    [shape, " ", facts(centre, entry)],
    warnings(centre, entry),
    h("div.actions", null, button(centre, "centre.undo", "undo-requested", entry, { entry }, "quiet")),
  );
}

/** Why a record is refused, and its field if there is one, in words. @param {SyncCentre} centre @param {Pick<OutboxEntry, "collection" | "problem">} entry */
export function whyRefused(centre, { collection, problem }) {
  const t = translator(centre.language);
  const known = t(`problem.${problem?.code}`);
  const reason = known.startsWith("problem.") ? t("problem.other") : known;
  return [reason, problem?.field && t("problem.field", { field: labelOf(collection, problem.field, centre.language) })];
}

/** @param {SyncCentre} centre @param {OutboxEntry} entry */
export function failedRow(centre, entry) {
  const t = translator(centre.language);
  const { problem } = entry;
  const [reason, field] = whyRefused(centre, entry);
  return row(
    centre,
    entry,
    facts(centre, entry),
    h("p.reason", null, icon("octagon"), h("span", null, reason, field && ` ${field}`)),
    problem &&
      h(
        "details",
        { id: `details-${entry.id}` },
        h("summary", { dataset: { key: `details-${entry.id}` } }, t("centre.details")),
        h("p.small.muted", null, [problem.code, problem.title, problem.detail].filter(Boolean).join(" · ")),
      ),
    h(
      "div.actions",
      null,
      // What is not this user's any more cannot be changed: its form would lead nowhere.
      !entry.revoked && button(centre, "centre.fix", "fix-requested", entry, { entry }, "primary"),
      button(centre, "centre.retry", "retry-requested", entry, { entry }),
      button(centre, "centre.export-one", "export-one-requested", entry, { entry }, "quiet"),
      !entry.revoked && button(centre, "centre.discard", "discard-requested", entry, { entry }, "quiet"),
    ),
    entry.revoked && discardPart(centre, entry.id, t("centre.discard"), [entry], () => centre.emit("discard-requested", { entry })),
  );
}

/**
 * What could not be sent: what one deed took from this user in one row, that opens; the others each in their own.
 * @param {SyncCentre} centre @param {OutboxEntry[]} failed
 */
export function failedRows(centre, failed) {
  const of = (/** @type {OutboxEntry} */ entry) => failed.filter(({ revoked }) => revoked && revoked.key === entry.revoked?.key);
  return failed.flatMap((entry) => {
    const group = of(entry);
    if (group.length < 2) return [failedRow(centre, entry)];
    return group[0] === entry ? [takenRow(centre, group)] : [];
  });
}

/** @param {SyncCentre} centre @param {OutboxEntry[]} entries */
function takenRow(centre, entries) {
  const { language, user } = centre;
  const t = translator(language);
  const { key, ...whose } = /** @type {NonNullable<OutboxEntry["revoked"]>} */ (entries[0].revoked);
  const n = entries.length;
  const names = entries.slice(0, 3).map(({ title }) => title);
  const about = n > 3 ? t("centre.group.names", { names: names.join(", "), n: n - 3 }) : listed(language, names);
  const act = (/** @type {string} */ word, /** @type {string} */ event) =>
    h(
      "button.button.small",
      { type: "button", dataset: { key: `${event}:${key}` }, onclick: () => centre.emit(event, { entries }) },
      t(word, { n }),
    );
  return h(
    "li.row.group",
    null,
    h(
      "div.words",
      null,
      h("p.cause", null, icon("octagon"), h("b", null, takenWords(entries[0].collection, n, whose, user, language))),
      h("span.muted.small", null, about),
      h("p.small", null, t("centre.taken.hint")),
    ),
    h("div.actions", null, act("centre.taken.export", "export-some-requested")),
    discardPart(centre, key, t("centre.taken.discard", { n }), entries, () => centre.emit("discard-some-requested", { entries })),
    h(
      "details",
      { id: `taken-${key}` },
      h("summary", { dataset: { key: `each:${key}` } }, t("centre.group.each", { n })),
      h("ul.rows", null, entries.map((entry) => failedRow(centre, entry))),
    ),
  );
}

/** @param {SyncCentre} centre @param {import("../types").HistoryEntry} entry */
export function historyRow(centre, entry) {
  return row(centre, entry, `${moment(centre.language, entry.at)} · ${translator(centre.language)(`end.${entry.end}`)}`);
}

/** What waits for a server that had this address. @param {SyncCentre} centre @param {import("../types").OtherDatabase} other */
export function otherRow(centre, { name, unsent, lastUsedAt }) {
  const t = translator(centre.language);
  const press = () => centre.emit("export-other-requested", { name });
  return h(
    "section.note",
    { dataset: { database: name } },
    h("p", null, t("centre.other", { n: unsent })),
    h("p.muted.small", null, t("centre.other.used", { time: moment(centre.language, lastUsedAt) })),
    h("div.actions", null, h("button.button.small", { type: "button", dataset: { key: `other-${name}` }, onclick: press }, t("centre.export"))),
  );
}
