/** What is done only with an answer of the server: a control that says why it cannot be used, and what came of it. */
import { h, isSyncError } from "../fieldsync/index.js";
import { toast } from "./toast.js";

/** Nobody would answer: the engine knows it, or the browser does. */
const AWAY = ["offline", "signed-out", "outdated", "misconfigured"];

/** @typedef {import("./main.js").App} App */
/** @typedef {HTMLButtonElement | HTMLSelectElement | HTMLInputElement} Control */

/** @param {App["sync"]} sync */
function isAway(sync) {
  return !navigator.onLine || AWAY.includes(sync.status.state);
}

/**
 * Shows a report: at once, and anew when somebody can be reached again; nothing if there is none.
 * @param {App} app @param {string} name
 * @param {(report: import("../fieldsync/types").Report | undefined, isTooOld: boolean) => void} show What is kept may be too old to be shown.
 */
export function watchReport({ sync }, name, show) {
  let [wasAway, fresh] = [isAway(sync), false];
  const ask = async () => {
    let isTooOld = false;
    const report = await sync.reports.get(name).catch((/** @type {unknown} */ failure) => {
      isTooOld = isSyncError(failure) && failure.code === "too-old";
      return undefined;
    });
    fresh = report?.fresh === true;
    show(report, isTooOld);
  };
  const again = () => {
    const before = wasAway;
    wasAway = isAway(sync);
    if (before && !wasAway && !fresh) void ask();
  };
  sync.addEventListener("syncstatuschange", again);
  void ask();
  return () => sync.removeEventListener("syncstatuschange", again);
}

/**
 * Disables these while nobody would answer, or `isBusy` says so, and says why beside them.
 * @param {App} app @param {Control[]} controls @param {string} id Of the words.
 * @param {() => boolean} [isBusy]
 */
export function onlineOnly({ sync, t }, controls, id, isBusy = () => false) {
  const why = h("p.muted.small", { id }, t("needs-connection"));
  const tell = () => {
    const away = isAway(sync);
    why.hidden = !away;
    for (const control of controls) {
      control.disabled = away || isBusy();
      if (away) control.setAttribute("aria-describedby", id);
      else control.removeAttribute("aria-describedby");
    }
  };
  const stop = new AbortController();
  const options = { signal: stop.signal };
  sync.addEventListener("syncstatuschange", tell, options);
  addEventListener("online", tell, options);
  addEventListener("offline", tell, options);
  tell();
  return { why, tell, stop: () => stop.abort() };
}

/** Says what came of it. @param {App} app @param {() => Promise<unknown>} work @param {string} done @returns {Promise<boolean>} Whether it is done. */
export async function tryOnline(app, work, done) {
  try {
    await work();
    toast(done);
    return true;
  } catch (failure) {
    toast(wordsFor(app, failure));
    return false;
  }
}

/** @param {App} app @param {unknown} failure */
function wordsFor({ t }, failure) {
  if (!isSyncError(failure)) {
    console.error(failure);
    return t("not-done");
  }
  const { code } = failure;
  if (AWAY.includes(code)) return t("needs-connection");
  return t(["not-known-yet", "conflict", "rejected"].includes(code) ? `online.${code}` : "not-done");
}

/** The reps to whom a manager may give a customer, as far as is known. @param {App} app @returns {Promise<{ id: string, name: string }[]>} */
export async function reps({ sync }) {
  try {
    const { data } = await sync.reports.get("team");
    const { members } = /** @type {{ members: { id: string, name: string, role: string }[] }} */ (data);
    return members.filter(({ role }) => role === "rep");
  } catch {
    return []; // Never asked, and nobody answers: the control is disabled anyway.
  }
}

/** @param {App} app */
export function isManager({ session }) {
  return session.profile?.role === "manager";
}
