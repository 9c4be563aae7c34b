/** Deals by stage. A deal moves only where the schema allows. */
import { enumLabel, format, h, isSyncError, specOf } from "../../fieldsync/index.js";
import { badge } from "../record-row.js";
import { ruleWords } from "../rules.js";
import { toast } from "../toast.js";
import { offerUndo } from "../undo.js";

/** @typedef {import("../session.js").Deal} Deal */

/** @param {import("../main.js").App} app */
export function pipeline(app) {
  const { t, sync } = app;
  const spec = specOf(sync.schema, "pipelines", "stage");
  const board = h("div.board", { role: "group", "aria-label": t("nav.pipeline"), tabIndex: 0 });
  const draw = async (/** @type {Deal[]} */ rows) => {
    const names = await customerNames(app, rows);
    const { scrollLeft } = board;
    board.replaceChildren(
      ...(spec.values ?? []).map((stage) =>
        column(
          app,
          spec,
          stage,
          rows.filter(({ fields }) => fields.stage === stage),
          names,
        ),
      ),
    );
    board.scrollLeft = scrollLeft;
  };
  const stop = sync.pipelines.watch({ sort: ["close_date"] }, (rows) => void draw(rows));
  return { title: t("nav.pipeline"), node: board, section: "pipeline", stop };
}

/** @param {import("../main.js").App} app @param {Deal[]} deals @returns {Promise<Map<string, string>>} */
async function customerNames({ sync }, deals) {
  const ids = [...new Set(deals.map(({ fields }) => fields.customer))];
  const found = await Promise.all(ids.map((id) => sync.customers.get(id)));
  return new Map(found.flatMap((record) => (record ? [[record.id, record.fields.name]] : [])));
}

/** @param {import("../main.js").App} app @param {import("../../fieldsync/elements/values.js").FieldSpec} spec @param {string} stage @param {Deal[]} deals @param {Map<string, string>} names */
function column(app, spec, stage, deals, names) {
  const total = deals.reduce((sum, { fields }) => sum + Number(fields.value?.amount ?? 0), 0);
  const id = `stage-${stage}`;
  return h(
    "section.column",
    { "aria-labelledby": id },
    h(
      "header",
      null,
      h("h2", { id }, enumLabel("stage", stage, app.language), h("span.muted", null, ` ${deals.length}`)),
      h("span.amount.muted", null, total ? format.amountShort(total) : ""),
    ),
    deals.length
      ? h(
          "ul.plain",
          null,
          deals.map((deal) => card(app, spec, deal, names.get(deal.fields.customer) ?? "")),
        )
      : h("p.muted.small", null, app.t("pipeline.none")),
  );
}

/** @param {import("../main.js").App} app @param {import("../../fieldsync/elements/values.js").FieldSpec} spec @param {Deal} deal @param {string} customer */
function card(app, spec, deal, customer) {
  const { t, language } = app;
  const { title, value, close_date: close, stage, customer: owner } = deal.fields;
  const { amount, currency } = /** @type {{ amount?: number, currency?: string }} */ (value ?? {});
  const allowed = spec.transitions?.[stage] ?? [];
  const error = h("p.error", { id: `stage-error-${deal.id}`, role: "alert" });
  const chosen = (/** @type {Event} */ event) => void move(app, deal, /** @type {HTMLSelectElement} */ (event.target), error);
  const label = t("pipeline.move", { title });
  const select = h(
    "select.move",
    { "aria-label": label, "aria-describedby": error.id, onchange: chosen },
    h("option", { value: "" }, t("pipeline.move-to")),
    allowed.map((next) => h("option", { value: next }, enumLabel("stage", next, language))),
  );
  return h(
    "li.deal",
    null,
    h("div.card-head", null, h("b", null, title), badge(app, deal, { story: true })),
    customer && h("a.muted.small", { href: `/customers/${owner}` }, customer),
    h(
      "div.deal-foot",
      null,
      h(
        "span",
        null,
        amount !== undefined && h("b.amount", null, format.amountShort(amount, currency)),
        close && h("span.muted.small", null, ` · ${format.day(language, close)}`),
      ),
      select,
    ),
    error,
  );
}

/** Refused, it stays where it was, and the field says why. @param {import("../main.js").App} app @param {Deal} deal @param {HTMLSelectElement} select @param {HTMLElement} error */
async function move(app, deal, select, error) {
  const { t, sync } = app;
  const row = sync.newId();
  const complain = (/** @type {string} */ words) => {
    error.textContent = words;
    select.setAttribute("aria-invalid", words ? "true" : "false");
  };
  complain("");
  try {
    const stage = /** @type {Deal["fields"]["stage"]} */ (select.value); // One of its options.
    await sync.pipelines.update(deal, { stage }, { row });
    offerUndo(app, t("pipeline.moved", { stage: enumLabel("stage", stage, app.language) }), row);
  } catch (failure) {
    select.value = "";
    const broken = isSyncError(failure) ? failure.violations?.find(({ field }) => field === "stage") : undefined;
    if (broken) complain(ruleWords(t, broken.rule));
    else toast(t("not-saved"));
  }
}
