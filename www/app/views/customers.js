/** All customers; searched while one types, offline too. */
import { enumLabel, format, h, icon } from "../../fieldsync/index.js";
import { recordRow } from "../record-row.js";

const PAGE = 50;

/** @param {import("../main.js").App} app @param {object} _ @param {URLSearchParams} query */
export function customers(app, _, query) {
  const { t, sync } = app;
  const list = h("ul.rows");
  const foot = h("div.foot");
  const count = h("p.muted.small", { role: "status" });
  let limit = history.state?.limit ?? PAGE;
  let stop = () => {};

  const watch = () => {
    stop();
    const search = field.value.trim();
    const where = search ? { search, limit: limit + 1 } : { sort: ["name"], limit: limit + 1 };
    stop = sync.customers.watch(where, (/** @type {import("../../fieldsync/types").Rows} */ rows) => draw(rows, search));
  };
  const draw = (/** @type {import("../../fieldsync/types").Rows} */ rows, /** @type {string} */ search) => {
    list.replaceChildren(...rows.slice(0, limit).map((record) => row(app, record)));
    const more = () => {
      limit += PAGE * 2;
      history.replaceState({ ...history.state, limit }, "");
      watch();
    };
    foot.replaceChildren(rows.length > limit ? h("button.button.wide", { type: "button", onclick: more }, t("more")) : "");
    count.textContent = words(app, rows, search, limit);
  };
  const field = h("input", {
    type: "search",
    id: "search",
    "aria-label": t("customers.search"),
    placeholder: t("customers.search"),
    autocomplete: "off",
    enterKeyHint: "search",
    value: query.get("q") ?? "",
    oninput() {
      limit = PAGE;
      const text = field.value.trim();
      history.replaceState(
        { ...history.state, limit },
        "",
        text ? `/customers?q=${encodeURIComponent(text)}` : "/customers",
      );
      watch();
    },
  });
  const node = h(
    "div.stack",
    null,
    h(
      "div.tools",
      null,
      h("div.search", null, icon("search"), field),
      h("a.button.primary", { href: "/customers/new" }, icon("plus"), h("span.words-when-wide", null, t("customers.new"))),
    ),
    count,
    list,
    foot,
  );
  watch();
  return { title: t("nav.customers"), node, section: "customers", stop: () => stop() };
}

/** A collection that is not whole yet is loading, never empty. @param {import("../main.js").App} app @param {import("../../fieldsync/types").Rows} rows @param {string} search @param {number} limit */
function words({ t, sync }, rows, search, limit) {
  if (!rows.complete) return t("customers.loading");
  if (rows.length > limit) return search ? t("customers.found.more", { n: limit }) : "";
  if (rows.length) return search ? t("customers.found", { n: rows.length }) : "";
  return search
    ? t("customers.none-found", { search })
    : t(sync.status.state === "first-sync" ? "customers.loading" : "customers.none");
}

/** @param {import("../main.js").App} app @param {import("../../fieldsync/types").RecordView} record */
function row(app, record) {
  const { city, segment, next_visit: next } = /** @type {{ [field: string]: string }} */ (record.fields);
  const about = [city, segment && enumLabel("segment", segment, app.language)].filter(Boolean).join(" · ");
  const late = next && next <= format.isoDay();
  return recordRow(app, record, {
    href: `/customers/${record.id}`,
    title: record.fields.name,
    about,
    side: next && h(late ? "span.when.late" : "span.when", null, format.day(app.language, next)),
  });
}
