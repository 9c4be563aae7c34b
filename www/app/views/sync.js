/** The sync centre's page: gives the element its data, and does what it asks. */
import { h, isSyncError, labelOf, space } from "../../fieldsync/index.js";
import { download } from "../download.js";
import { putBack } from "../merged.js";
import { names } from "../names.js";
import { chooser } from "../selecting.js";
import { ruleWords } from "../rules.js";
import { toast } from "../toast.js";
import { offerBack } from "../undo.js";

/** @typedef {import("../../fieldsync/elements/sync-centre.js").SyncCentre} SyncCentre */
/** @typedef {import("../../fieldsync/types").OutboxEntry} OutboxEntry */

/** @param {import("../main.js").App} app @param {object} _ @param {URLSearchParams} query */
export async function syncCentre(app, _, query) {
  const { sync, t } = app;
  const centre = /** @type {SyncCentre} */ (h("sync-centre", { language: app.language, schema: sync.schema, user: sync.user }));
  /** @type {import("../../fieldsync/elements/sync-centre.js").CentreData["preview"]} */
  let preview;
  /** @type {import("../../fieldsync/elements/sync-centre.js").CentreData["space"]} */
  let used;
  /** @type {{ epoch?: string, list: import("../../fieldsync/types").OtherDatabase[] }} */
  let others = { list: [] };
  const choosing = chooser(app, () => draw());
  const draw = async () => {
    const { conflicts, merged } = sync;
    const asked = [sync.outbox.list(), conflicts.groups(), merged.list(), sync.history.list()];
    const [outbox, groups, rules, history] = /** @type {any[]} */ (await Promise.all(asked));
    const selection = choosing.data();
    centre.nameOf = await names(app, takenValues(outbox));
    centre.data = { status: sync.status, outbox, groups, merged: rules, history, space: used, preview, selection, others: others.list };
  };
  /** What takes longer comes after the list. */
  const rest = async () => {
    const epoch = sync.status.serverEpoch;
    [used, others] = await Promise.all([space(), sync.otherDatabases().catch(() => []).then((list) => ({ epoch, list })), choosing.count()]);
    await draw();
  };
  // Other databases change only when another server answers.
  const changed = () => void (others.epoch === sync.status.serverEpoch ? draw() : rest());
  sync.addEventListener("change", changed);
  sync.addEventListener("change", choosing.recount);
  sync.addEventListener("syncstatuschange", changed);
  const onPreview = async (/** @type {typeof preview} */ found) => {
    preview = found;
    await draw();
  };
  listen(app, centre, { onPreview, ...choosing.answers });
  await draw();
  void rest();
  const show = query.get("show");
  if (show) setTimeout(() => centre.show(show));
  const stop = () => {
    sync.removeEventListener("change", changed);
    sync.removeEventListener("change", choosing.recount);
    choosing.stop();
    sync.removeEventListener("syncstatuschange", changed);
  };
  return { title: t("nav.sync"), node: h("div.narrow", null, centre), section: "sync", stop };
}

/** What was written to records that are not this user's any more. @param {OutboxEntry[]} outbox */
function takenValues(outbox) {
  const changes = outbox.filter(({ revoked }) => revoked).flatMap(({ collection, changes }) => changes.map(({ written }) => ({ collection, written })));
  return changes.flatMap(({ collection, written }) => Object.entries(written).map(([field, value]) => ({ collection, field, value })));
}

/** @param {import("../main.js").App} app @param {SyncCentre} centre @param {{ onPreview(preview: any): Promise<void>, [event: string]: (detail: any) => unknown }} own */
function listen(app, centre, { onPreview, ...own }) {
  const { sync, t } = app;
  const rows = (/** @type {OutboxEntry} */ entry) => entry.changes.map(({ row }) => row);
  /** @type {{ [event: string]: (detail: any) => unknown }} */
  const answers = {
    ...own,
    "pause-requested": () => sync.pause(),
    "resume-requested": () => sync.resume(),
    "sync-requested": () => sync.sync(),
    "preview-requested": () => sync.preview().then(onPreview, () => onPreview("failed")),
    "export-requested": async () => download("fieldsync-unsent.json", await sync.outbox.export()),
    "export-other-requested": async ({ name }) => download("fieldsync-unsent-other.json", await sync.outbox.export(name)),
    "diagnostics-requested": async () =>
      download("fieldsync-diagnostics.json", JSON.stringify(await sync.diagnostics(), null, 1)),
    "fix-requested": ({ entry }) => app.go(pageOf(entry, true)),
    "open-requested": (record) => app.go(pageOf(record, false)),
    "retry-requested": ({ entry }) => sync.outbox.retry(rows(entry)[0]).catch((failure) => toast(whyNot(app, entry, failure))),
    "retry-all-requested": () => retryAll(app),
    "discard-requested": async ({ entry }) => {
      const { done, undo } = await sync.outbox.discard(rows(entry)[0]);
      offerBack(app, t(done === "now" ? "discarded" : "discarded-later", { name: entry.title }), undo);
    },
    "discard-all-requested": () => discardAll(app),
    "discard-some-requested": ({ entries }) => discardAll(app, entries),
    "export-one-requested": async ({ entry }) => download("fieldsync-one.json", await sync.outbox.exportOf(entry)),
    "export-some-requested": async ({ entries }) => download("fieldsync-some.json", await sync.outbox.exportOf(...entries)),
    "undo-requested": async ({ entry }) => {
      const { done } = await sync.outbox.undo(rows(entry).slice(-1)[0]);
      toast(t(done === "now" ? "undone" : "undone-later"));
    },
    "loss-known": () => sync.acknowledgeLoss(),
    "choose-group-requested": ({ group }) => app.decideGroup(group),
    "put-back-requested": ({ record, lost }) => putBack(app, record, lost),
    "choose-requested": ({ conflict }) => app.decide(conflict.collection, conflict.id),
    "language-chosen": ({ language }) => app.speak(language),
  };
  for (const [event, act] of Object.entries(answers)) {
    centre.addEventListener(event, async (happened) => {
      try {
        await act(/** @type {CustomEvent} */ (happened).detail);
      } catch (failure) {
        console.error(failure);
        toast(t("not-done"));
      }
    });
  }
}

/** Why a record cannot be tried again. @param {import("../main.js").App} app @param {OutboxEntry} entry @param {unknown} failure */
function whyNot({ t, language }, { collection }, failure) {
  if (!isSyncError(failure)) throw failure;
  if (failure.code === "forbidden") return t("retry.forbidden");
  const [broken] = failure.violations ?? [];
  if (!broken) throw failure;
  return t("retry.unfit", { field: labelOf(collection, broken.field, language), why: ruleWords(t, broken.rule) });
}

/** @param {import("../main.js").App} app @param {OutboxEntry[]} [entries] */
async function discardAll(app, entries) {
  const { discarded, done, undo } = await app.sync.outbox.discardAll(entries);
  const words = app.t(done === "now" ? "discarded-all" : "discarded-all-later", { n: discarded.length });
  if (discarded.length) offerBack(app, words, undo);
}

/** Tries, and then looks what came of it. @param {import("../main.js").App} app */
async function retryAll({ sync, t }) {
  const { tried } = await sync.outbox.retryAll();
  if (tried.length) await sync.sync();
  const left = await sync.outbox.list();
  const found = tried.map(({ collection, id }) => left.find((entry) => entry.id === id && entry.collection === collection));
  const counts = {
    "retried.sent": found.filter((entry) => !entry).length,
    "retried.waiting": found.filter((entry) => entry && entry.status !== "failed").length,
    "retried.unfit": left.filter(({ status }) => status === "failed").length,
  };
  const words = Object.entries(counts).filter(([, n]) => n > 0).map(([key, n]) => t(key, { n }));
  if (words.length) toast(words.join(" · "));
}

/** Where a record is shown; fixing opens its form at the field. @param {any} record @param {boolean} fix */
function pageOf({ collection, id, problem, changes }, fix) {
  if (collection === "customers") return `/customers/${id}${fix ? `/edit?field=${problem?.field ?? ""}` : ""}`;
  const customer = changes?.map((/** @type {any} */ change) => change.written.customer).find(Boolean);
  return customer ? `/customers/${customer}` : collection === "pipelines" ? "/pipeline" : "/customers";
}
