/** All customers; searched while one types, offline too. */
import { enumLabel, format, h, icon } from "../../fieldsync/index.js";
import { isManager } from "../online.js";
import { recordRow } from "../record-row.js";
import { customersWords } from "../selecting.js";
import { assignMany } from "./assign.js";

/** @typedef {import("../../fieldsync/types").RowsOf<import("../session.js").Schema, "customers">} CustomerRows */

const PAGE = 50;

/** @param {import("../main.js").App} app @param {object} _ @param {URLSearchParams} query */
export function customers(app, _, query) {
  const { t, sync } = app;
  const list = h("ul.rows");
  const foot = h("div.foot");
  const count = h("p.muted.small", { role: "status" });
  let limit = history.state?.limit ?? PAGE;
  let stop = () => {};
  const choosing = isManager(app) ? chooser(app, () => watch()) : undefined;

  const watch = () => {
    stop();
    const search = field.value.trim();
    /** @type {import("../../fieldsync/types").QueryOf<import("../session.js").Schema, "customers">} */
    const where = search ? { search, limit: limit + 1 } : { sort: ["name"], limit: limit + 1 };
    stop = sync.customers.watch(where, (rows) => draw(rows, search));
  };
  const draw = (/** @type {CustomerRows} */ rows, /** @type {string} */ search) => {
    list.replaceChildren(...rows.slice(0, limit).map((record) => choosing?.row(record) ?? row(app, record)));
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
    choosing?.node,
    list,
    foot,
  );
  sync.prepareSearch();
  watch();
  return { title: t("nav.customers"), node, section: "customers", stop: () => (stop(), choosing?.stop()) };
}

/** A manager chooses several, to give them to somebody. @param {import("../main.js").App} app @param {() => void} again Draws the list. */
function chooser(app, again) {
  const { t } = app;
  /** @type {Map<string, import("../session.js").Customer>} */
  const chosen = new Map();
  let open = false;
  const many = assignMany(app, () => [...chosen.values()], () => turn(false));
  const toggle = h("button.button.small", { type: "button", "aria-expanded": "false", onclick: () => turn(!open) });
  const place = h("div.stack");
  const turn = (/** @type {boolean} */ to) => {
    open = to;
    chosen.clear();
    many.update();
    place.replaceChildren(open ? many.node : "");
    toggle.textContent = t(open ? "cancel" : "assign.choose");
    toggle.setAttribute("aria-expanded", String(open));
    again();
  };
  toggle.textContent = t("assign.choose");
  const row = (/** @type {import("../session.js").Customer} */ record) => {
    if (!open) return undefined;
    if (chosen.has(record.id)) chosen.set(record.id, record); // As it is shown now.
    const box = h("input", { type: "checkbox", checked: chosen.has(record.id), disabled: record.unknown === true });
    box.addEventListener("change", () => {
      if (box.checked) chosen.set(record.id, record);
      else chosen.delete(record.id);
      many.update();
    });
    const about = record.unknown ? t("online.not-known-yet") : record.fields.city;
    return h(
      "li",
      null,
      h("label.row", null, box, h("span.row-words", null, h("span.row-title", null, record.fields.name), about && h("span.row-about", null, about))),
    );
  };
  const node = h("div.stack", null, h("div.actions", null, toggle), place);
  return { node, row, stop: many.stop };
}

/** A collection that is not whole yet is loading, never empty. @param {import("../main.js").App} app @param {CustomerRows} rows @param {string} search @param {number} limit */
function words(app, rows, search, limit) {
  const part = customersWords(app);
  if (!rows.complete && !part) return app.t("customers.loading");
  return [found(app, rows, search, limit), part].filter(Boolean).join(" ");
}

/** @param {import("../main.js").App} app @param {CustomerRows} rows @param {string} search @param {number} limit */
function found({ t, sync }, rows, search, limit) {
  if (rows.length > limit) return search ? t("customers.found.more", { n: limit }) : "";
  if (rows.length) return search ? t("customers.found", { n: rows.length }) : "";
  // What is not all here cannot say that there is none.
  if (!rows.complete && !search) return "";
  return search
    ? t("customers.none-found", { search })
    : t(sync.status.state === "first-sync" ? "customers.loading" : "customers.none");
}

/** @param {import("../main.js").App} app @param {import("../session.js").Customer} record */
function row(app, record) {
  const { city, segment, next_visit: next } = record.fields;
  const about = [city, segment && enumLabel("segment", segment, app.language)].filter(Boolean).join(" · ");
  const late = next && next <= format.isoDay();
  return recordRow(app, record, {
    href: `/customers/${record.id}`,
    title: record.fields.name,
    about,
    side: next && h(late ? "span.when.late" : "span.when", null, format.day(app.language, next)),
  });
}
