/** A new customer, or a change of one. */
import { h } from "../../fieldsync/index.js";
import { Alike } from "../alike.js";
import { Form } from "../form.js";
import { offerUndo } from "../undo.js";

const FIELDS = /** @type {const} */ (["name", "contact", "phone", "email", "address", "city", "hours", "segment", "code", "tags", "next_visit", "notes"]);

/** The members of the opening hours: each is merged by itself. @type {(keyof NonNullable<import("../session.js").Customer["fields"]["hours"]>)[]} */
const HOURS = ["mon_fri", "sat", "sun"];

/** @param {import("../main.js").App} app @param {{ id?: string }} params @param {URLSearchParams} query */
export async function customerForm(app, { id }, query) {
  const { t, sync } = app;
  const record = id ? await sync.customers.get(id) : undefined;
  if (id && !record)
    return { title: t("edit"), node: h("p.empty", null, t("customer.gone")), section: "customers", back: "/customers" };
  const key = `customer:${id ?? "new"}`;
  const form = await Form.open(app, key, () => ({
    ids: { row: sync.newId(), record: id ?? sync.newId() },
    record,
    values: {},
  }));
  const { ids } = form.draft;
  // As it was when the form opened, perhaps before a reload: what the user saw, whatever has been pulled since.
  const before = /** @type {import("../session.js").Customer | undefined} */ (form.draft.record);
  const fields = FIELDS.map((field) =>
    form.field({ field, collection: "customers", value: before?.fields[field] ?? undefined, members: field === "hours" ? HOURS : undefined }),
  );
  // Under the name: a new customer that is none.
  const alike = before ? undefined : new Alike(app, { id: ids.record, read: () => form.values() });
  if (alike) fields.splice(1, 0, alike.node);

  const save = async () => {
    const patch = form.patch(); // Of the inputs of these fields; what they give is of the schema's types.
    if (before && !Object.keys(patch).length) {
      await form.end();
      return app.back(`/customers/${before.id}`);
    }
    if (before) await sync.customers.update(before, patch, { row: ids.row });
    else await sync.customers.create(/** @type {import("../../fieldsync/types").NewOf<import("../session.js").Schema, "customers">} */ (patch), { id: ids.record, row: ids.row });
    await form.end();
    if (before) app.back(`/customers/${before.id}`);
    else app.go(`/customers/${ids.record}`, { replace: true });
    offerUndo(app, t("saved"), ids.row);
  };
  const back = before ? `/customers/${before.id}` : "/customers";
  const node = form.node(fields, save, { back });
  if (alike) node.addEventListener("input", () => alike.typed());
  if (form.restored) alike?.typed();
  form.explain(record?.problem);
  queueMicrotask(() => setTimeout(() => form.focus(query.get("field")))); // Once it is on the page.
  return {
    title: before ? t("customer.edit") : t("customers.new"),
    node,
    section: "customers",
    back,
    stop: () => (form.close(), alike?.stop()),
    focus: false,
  };
}
