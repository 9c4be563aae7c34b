/**
 * What the status bar says: a pure function of the status, the language and the time.
 *
 * @typedef {"ok" | "busy" | "off" | "ask" | "bad"} Tone
 * @typedef {{ event: string, word: string, detail?: object }} Act
 * @typedef {{ state: import("../types").SyncState, icon: string, tone: Tone, text: string, more: string[], act?: Act }} Line
 */
import { ago, moment, wait } from "../format.js";
import { translator } from "../i18n.js";

/** @typedef {import("../types").SyncStatus} SyncStatus */

/** @type {{ [state in import("../types").SyncState]: [icon: string, tone: Tone] }} */
const LOOKS = {
  "signed-out": ["key", "bad"],
  failed: ["octagon", "bad"],
  conflict: ["split", "ask"],
  offline: ["cloud-off", "off"],
  sending: ["arrows", "busy"],
  waiting: ["clock", "busy"],
  stuck: ["hourglass", "busy"],
  "first-sync": ["download", "busy"],
  full: ["disk", "bad"],
  lost: ["alert", "bad"],
  outdated: ["up", "bad"],
  reload: ["up", "busy"],
  misconfigured: ["alert", "bad"],
  synced: ["check", "ok"],
};

/** @type {{ [state: string]: Act }} */
const ACTS = {
  "signed-out": { event: "sign-in-requested", word: "do.sign-in" },
  failed: { event: "review-requested", word: "do.review", detail: { what: "failed" } },
  conflict: { event: "review-requested", word: "do.choose", detail: { what: "conflicts" } },
  offline: { event: "sync-requested", word: "do.sync" },
  waiting: { event: "sync-requested", word: "do.send" },
  stuck: { event: "review-requested", word: "do.why", detail: { what: "unsent" } },
  full: { event: "review-requested", word: "do.review", detail: { what: "space" } },
  lost: { event: "review-requested", word: "do.review", detail: { what: "lost" } },
  outdated: { event: "reload-requested", word: "do.reload" },
  reload: { event: "reload-requested", word: "do.reload" },
  synced: { event: "sync-requested", word: "do.sync" },
};

/** @param {SyncStatus} status @param {import("../i18n.js").Language} language @param {number} now @returns {Line} */
export function barLine(status, language, now) {
  const t = translator(language);
  const [icon, tone] = LOOKS[status.state];
  const { state } = status;
  const act = state === "first-sync" && status.progress ? pauseAct(status.progress) : ACTS[state];
  return { state, icon, tone, text: say(status, language, now), more: follow(status, t, now), act };
}

/** @param {SyncStatus} status @param {import("../i18n.js").Language} language @param {number} now */
function say(status, language, now) {
  const t = translator(language);
  const { state, lastSyncedAt } = status;
  // What only an answer makes true is kept here as little as there: it follows in its own words.
  const n = status.pending - status.unknown;
  const none = n === 0 ? ".none" : "";
  switch (state) {
    case "failed":
      return t("bar.failed", { n: status.failed });
    case "conflict":
      return t("bar.conflict", { n: status.conflicts - status.putOff });
    case "offline":
      if (n > 0) return t("bar.offline", { n });
      return lastSyncedAt ? t("bar.offline.none", { time: moment(language, lastSyncedAt, now) }) : t("bar.offline.empty");
    case "sending":
      return saySending(status, t);
    case "waiting":
      if (!status.nextAttemptAt || status.nextAttemptAt <= now) return n ? t("bar.waiting.now", { n }) : t("bar.unknown", { n: status.unknown });
      return t(`bar.waiting${none}`, { n, time: wait(language, status.nextAttemptAt - now) });
    case "stuck":
      return t("bar.stuck", { n: status.stuck?.records ?? n, time: moment(language, status.stuck?.since ?? now, now) });
    case "first-sync":
      return sayProgress(status.progress, t);
    case "lost":
      return t("bar.lost", { n: status.lost?.records ?? 0 });
    case "signed-out":
    case "outdated":
      return t(`bar.${state}${none}`, { n });
    case "synced":
      return t("bar.synced", {
        time: moment(language, lastSyncedAt ?? now, now),
        ago: ago(language, lastSyncedAt ?? now, now),
      });
    default:
      return t(`bar.${state}`);
  }
}

/** @param {NonNullable<SyncStatus["progress"]>} progress @returns {Act} */
function pauseAct({ paused }) {
  return paused ? { event: "resume-requested", word: "do.resume" } : { event: "pause-requested", word: "do.pause" };
}

/** @param {SyncStatus["progress"]} progress @param {import("../i18n.js").Translate} t */
function sayProgress(progress, t) {
  if (progress?.paused) return t("bar.first-sync.paused", { done: progress.done, total: progress.total });
  return progress?.total ? t("bar.first-sync", { done: progress.done, total: progress.total }) : t("bar.first-sync.none");
}

/** @param {SyncStatus} status @param {import("../i18n.js").Translate} t */
function saySending({ sending }, t) {
  const { done, total, name } = sending;
  if (!total) return t("bar.sending.none");
  if (total === 1) return t("bar.sending.one", { name });
  if (done === 0) return t("bar.sending.batch", { total, name, more: total - 1 });
  return t("bar.sending", { done, total, name });
}

/** What does not lead follows. @param {SyncStatus} status @param {import("../i18n.js").Translate} t @param {number} now */
function follow(status, t, now) {
  const { state, failed, conflicts, putOff, unknown, background, lost } = status;
  const pending = status.pending - unknown;
  const more = [];
  if (lost && state !== "lost") more.push(t("more.lost", { n: lost.records }));
  if (failed && state !== "failed") more.push(t("more.failed", { n: failed }));
  if (state === "conflict") putOff && more.push(t("more.put-off", { n: putOff }));
  else if (conflicts) more.push(t("more.conflicts", { n: conflicts }));
  const others = pending - failed - conflicts;
  if (others > 0 && ["failed", "conflict", "lost"].includes(state)) more.push(t("more.pending", { n: others }));
  const isSaid = state === "waiting" && !pending && !(status.nextAttemptAt && status.nextAttemptAt > now);
  if (unknown && !isSaid) more.push(t("more.unknown", { n: unknown }));
  if (!background && pending && ["offline", "waiting", "sending"].includes(state)) more.push(t("more.background"));
  return more;
}
