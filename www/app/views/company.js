/** Company settings: everybody reads them, the manager writes them, with an answer of the server; and how well records merge. */
import { h } from "../../fieldsync/index.js";
import { isManager, onlineOnly, tryOnline, watchReport } from "../online.js";
import { reportAge } from "./overview.js";

/** @typedef {import("../main.js").App} App */
/** @typedef {import("../../fieldsync/types").RecordOf<import("../session.js").Schema, "settings">} Company */

/** @param {App} app */
export function company(app) {
  const { t, sync } = app;
  if (isManager(app)) return form(app);
  const node = h("div");
  const stop = sync.settings.watch({ limit: 1 }, (rows) => {
    const name = rows[0]?.fields.company;
    node.replaceChildren(name ? h("dl.facts", null, h("dt", null, t("settings.company")), h("dd", null, name)) : "");
  });
  return { node, stop };
}

/** @param {App} app */
function form(app) {
  const { t, sync } = app;
  const settings = sync.settings;
  /** @type {Company | undefined} */
  let record;
  let [busy, typed] = [false, false];
  const name = h("input", { id: "company", type: "text", required: true, maxLength: 120, autocomplete: "off" });
  const visits = h("input", { id: "visits-per-week", type: "number", min: "0", max: "200", inputMode: "numeric" });
  const button = h("button.button", { type: "submit" }, t("save"));
  const word = h("p.note", { role: "status", hidden: true }, t("online.not-known-yet"));
  const online = onlineOnly(app, [name, visits, button], "company-why", () => busy || record?.unknown === true);
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const written = { company: name.value.trim(), visits_per_week: visits.value === "" ? null : Number(visits.value) };
    const seen = record;
    busy = true;
    online.tell();
    const work = () => (seen ? settings.update(seen, written) : settings.create(written));
    if (await tryOnline(app, work, t("settings.saved"))) typed = false;
    busy = false;
    online.tell();
  };
  const node = h(
    "form.stack",
    { onsubmit: save, oninput: () => (typed = true), noValidate: false },
    h("div.field", null, h("label", { for: "company" }, t("settings.company")), name),
    h("div.field", null, h("label", { for: "visits-per-week" }, t("settings.visits")), visits),
    word,
    h("div.actions", null, button),
    online.why,
  );
  const stop = settings.watch({ limit: 1 }, ([found]) => {
    record = found;
    word.hidden = !found?.unknown;
    online.tell();
    if (typed || !found) return; // What is typed stays, whatever comes.
    name.value = String(found.fields.company ?? "");
    visits.value = String(found.fields.visits_per_week ?? "");
  });
  return { node, stop: () => (stop(), online.stop()) };
}

/** What the server counted, per 1,000 syncs: for managers. @param {App} app */
export function merges(app) {
  const { t } = app;
  const body = h("div", null, h("p.muted", null, t("customers.loading")));
  const stop = watchReport(app, "merges", (report) => {
    if (!report) return body.replaceChildren(h("p.muted", null, t("needs-connection")));
    const { syncs, merged, put_to_a_person: put } = /** @type {{ [name: string]: number }} */ (report.data);
    const per = (/** @type {number} */ count) =>
      (syncs ? Math.round((count * 10_000) / syncs) / 10 : 0).toLocaleString(app.language);
    const fact = (/** @type {string} */ name, /** @type {number} */ count) => [h("dt", null, t(name)), h("dd", null, per(count))];
    body.replaceChildren(
      h("dl.facts", null, fact("merges.merged", merged), fact("merges.put", put)),
      h("p.muted.small", null, t("merges.about", { n: syncs }), " ", reportAge(app, report)),
    );
  });
  const node = h("section.card", { "aria-labelledby": "merges" }, h("h2", { id: "merges" }, t("merges")), body);
  return { node, stop };
}
