/** What a record's page says about its own synchronisation: a choice to make, a refusal, values that a rule set aside. */
import { h, icon, labelOf, specOf, textOf } from "../../fieldsync/index.js";
import { offerUndo } from "../undo.js";

/** @typedef {import("../../fieldsync/types").RecordView} RecordView */

/** @param {import("../main.js").App} app @param {RecordView} record */
export function banners(app, record) {
  return [conflict(app, record), refusal(app, record), warned(app, record), merged(app, record)];
}

/** @param {import("../main.js").App} app @param {RecordView} record */
function conflict(app, { collection, id, status }) {
  if (status !== "conflict") return null;
  const { t } = app;
  const choose = () => void app.decide(collection, id);
  return h(
    "div.banner.ask",
    null,
    icon("split"),
    h("p", null, t("customer.conflict")),
    h("button.button.small", { type: "button", onclick: choose }, t("do.choose")),
  );
}

/** @param {import("../main.js").App} app @param {RecordView} record */
function refusal(app, { collection, id, status, problem }) {
  if (status !== "failed") return null;
  const { t, language } = app;
  const known = t(`problem.${problem?.code}`);
  const reason = known.startsWith("problem.") ? t("problem.other") : known;
  const field = problem?.field ?? "";
  return h(
    "div.banner.bad",
    null,
    icon("octagon"),
    h(
      "p",
      null,
      h("b", null, t("badge.failed")),
      " · ",
      reason,
      field && ` ${t("problem.field", { field: labelOf(collection, field, language) })}`,
    ),
    h("a.button.small", { href: `/${collection}/${id}/edit?field=${field}` }, t("centre.fix")),
  );
}

/** What the server will probably refuse: better mended before. @param {import("../main.js").App} app @param {RecordView} record */
function warned(app, { collection, id, status, warnings = [] }) {
  if (status === "failed") return null;
  const { t, language } = app;
  return warnings.map(({ field, rule }) =>
    h(
      "div.banner.ask",
      null,
      icon("alert"),
      h("p", null, t(`warning.${rule}`), ` ${t("problem.field", { field: labelOf(collection, field, language) })}`),
      h("a.button.small", { href: `/${collection}/${id}/edit?field=${field}` }, t("centre.fix")),
    ),
  );
}

/** Nothing is lost in silence: what a rule put aside can be put back. @param {import("../main.js").App} app @param {RecordView} record */
function merged(app, record) {
  if (!record.setAside?.length) return null;
  const { t, sync, language } = app;
  return record.setAside.map(({ field, value, mine }) => {
    const shown = textOf(specOf(sync.schema, record.collection, field), field, value, language);
    const back = async () => {
      const row = sync.newId();
      await sync.collection(record.collection).update(record, { [field]: value }, { row });
      offerUndo(app, t("saved"), row);
    };
    return h(
      "div.banner.off",
      null,
      icon("merge"),
      h(
        "p",
        null,
        t(mine ? "merged.yours" : "merged.theirs", { field: labelOf(record.collection, field, language), value: shown }),
      ),
      h("button.button.small", { type: "button", onclick: () => void back() }, t("put-back")),
    );
  });
}
