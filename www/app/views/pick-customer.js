/** Whom it was with: a search, and a tap. */
import { h, icon } from "../../fieldsync/index.js";

const SHOWN_MAX = 8;

/** @param {import("../main.js").App} app @param {(customer: import("../session.js").Customer) => void} onPick */
export function pickCustomer(app, onPick) {
  const { t, sync } = app;
  const list = h("ul.rows");
  const find = async () => {
    const text = field.value.trim();
    /** @type {import("../../fieldsync/types").QueryOf<import("../session.js").Schema, "customers">} */
    const query = text ? { search: text, limit: SHOWN_MAX } : { sort: ["next_visit"], limit: SHOWN_MAX };
    const rows = await sync.customers.list(query);
    if (field.value.trim() !== text) return;
    list.replaceChildren(
      ...rows.map((record) =>
        h(
          "li",
          null,
          h(
            "button.row",
            { type: "button", onclick: () => onPick(record) },
            h(
              "span.row-words",
              null,
              h("span.row-title", null, record.fields.name),
              h("span.row-about", null, record.fields.city ?? ""),
            ),
            icon("chevron"),
          ),
        ),
      ),
    );
  };
  const field = h("input", {
    type: "search",
    "aria-label": t("activity.whom"),
    placeholder: t("activity.whom"),
    autocomplete: "off",
    oninput: () => void find(),
  });
  sync.prepareSearch();
  void find();
  return h("div.stack", null, h("div.search", null, icon("search"), field), list);
}
