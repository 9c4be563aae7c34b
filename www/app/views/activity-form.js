/** Logging a visit, a call, a mail or a meeting: the activity and the customer's dates in one group, together or not at all. */
import { enumLabel, h } from "../../fieldsync/index.js";
import { Form } from "../form.js";
import { offerUndo } from "../undo.js";
import { pickCustomer } from "./pick-customer.js";

/** @typedef {import("../session.js").Schema} Schema */

/** @param {import("../main.js").App} app @param {object} _ @param {URLSearchParams} query */
export async function activityForm(app, _, query) {
  const { t, sync } = app;
  const wanted = query.get("customer");
  const opened = wanted ? await sync.customers.get(wanted) : undefined;
  const form = await Form.open(app, `activity:${wanted ?? "new"}`, () => ({
    ids: { row: sync.newId(), record: sync.newId() },
    record: opened,
    values: {},
  }));
  const { draft } = form;
  const kind = kinds(app, form);
  const body = h("div.stack");
  const save = () => saveActivity(app, form, kind.value());
  const draw = () => {
    const customer = draft.record;
    if (!customer)
      return body.replaceChildren(
        pickCustomer(app, (picked) => {
          draft.record = picked;
          form.changed();
          draw();
        }),
      );
    const again = () => {
      draft.record = undefined;
      draw();
    };
    const fields = [
      h(
        "div.field",
        null,
        h("span.label", null, t("customer")),
        h(
          "div.picked",
          null,
          h("b", null, customer.fields.name),
          !wanted && h("button.button.quiet.small", { type: "button", onclick: again }, t("change")),
        ),
      ),
      kind.node,
      form.field({
        field: "subject",
        collection: "activities",
        value: `${enumLabel("kind", kind.value(), app.language)} – ${customer.fields.name}`,
      }),
      form.field({ field: "at", collection: "activities", value: Date.now() }),
      form.field({ field: "outcome", collection: "activities" }),
      form.field({ field: "note", collection: "activities" }),
      form.field({ field: "next_visit", collection: "customers", value: customer.fields.next_visit }),
    ];
    body.replaceChildren(form.node(fields, save, { back: `/customers/${customer.id}` }));
  };
  draw();
  return {
    title: t("activity.new"),
    node: body,
    section: "customers",
    back: wanted ? `/customers/${wanted}` : "/",
    stop: () => form.close(),
  };
}

/** @param {import("../main.js").App} app @param {Form} form */
function kinds(app, form) {
  let chosen = String(form.draft.values.kind ?? "visit");
  const options = ["visit", "call", "email", "meeting"].map((kind) => {
    const choose = () => {
      const subject = form.input("subject");
      const was = enumLabel("kind", chosen, app.language);
      // A subject that was not typed follows the kind.
      if (subject?.value.startsWith(`${was} – `))
        subject.value = subject.value.replace(was, enumLabel("kind", kind, app.language));
      chosen = kind;
    };
    return h(
      "label.segment",
      null,
      h("input", { type: "radio", name: "kind", value: kind, checked: kind === chosen, onchange: choose }),
      h("span", null, enumLabel("kind", kind, app.language)),
    );
  });
  return { value: () => chosen, node: h("fieldset.segments", null, h("legend", null, app.t("activity.kind")), options) };
}

/** @param {import("../main.js").App} app @param {Form} form @param {string} kind */
async function saveActivity(app, form, kind) {
  const { t, sync } = app;
  const { ids } = form.draft;
  const customer = /** @type {import("../session.js").Customer} */ (form.draft.record);
  const { next_visit: next, subject, at, outcome, note } = form.values();
  const given = Object.entries({ customer: customer.id, kind, subject, at, outcome, note }).filter(([, value]) => value !== null);
  const activity = /** @type {import("../../fieldsync/types").NewOf<Schema, "activities">} */ (Object.fromEntries(given));
  await sync.batch(
    (tx) => {
      tx.activities.create(activity, { id: ids.record });
      const patch = customerPatch(customer, kind, Number(at), /** @type {string | null} */ (next));
      if (Object.keys(patch).length) tx.customers.update(customer, patch);
    },
    { row: ids.row },
  );
  await form.end();
  app.go(`/customers/${customer.id}`, { replace: true });
  offerUndo(app, t("saved"), ids.row);
}

/** @param {import("../session.js").Customer} customer @param {string} kind @param {number} at @param {string | null} next */
function customerPatch({ fields }, kind, at, next) {
  /** @type {import("../../fieldsync/types").BatchPatchOf<Schema, "customers">} */
  const patch = {};
  if (kind === "visit" || kind === "meeting") {
    patch.visits = (fields.visits ?? 0) + 1;
    if (at > (fields.last_visit ?? 0)) patch.last_visit = at;
  }
  if (next !== (fields.next_visit ?? null)) patch.next_visit = next;
  return patch;
}
