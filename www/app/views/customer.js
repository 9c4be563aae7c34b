/** One customer: facts, deals, and what happened, newest first. */
import { enumLabel, format, h, icon, keepingFocus, labelOf, specOf, textOf } from "../../fieldsync/index.js";
import { looked, mergedBanner } from "../merged.js";
import { badge } from "../record-row.js";
import { customersWords, dealsWords } from "../selecting.js";
import { toast } from "../toast.js";
import { offerUndo } from "../undo.js";
import { isManager } from "../online.js";
import { assignment } from "./assign.js";
import { banners } from "./customer-banners.js";
import { timeline } from "./timeline.js";

const DELETE_HOLD_MS = 6_000;
const FACTS = /** @type {const} */ ([
  "code",
  "contact",
  "phone",
  "email",
  "address",
  "hours",
  "segment",
  "tags",
  "visits",
  "last_visit",
  "next_visit",
  "notes",
]);

/**
 * @typedef {import("../session.js").Customer} Customer
 * @typedef {import("../session.js").Deal} Deal
 * @typedef {import("../session.js").Activity} Activity
 */

/** @param {import("../main.js").App} app @param {{ id: string }} params */
export async function customer(app, { id }) {
  const { t, sync } = app;
  const drawn = h("div.stack");
  const assign = isManager(app) ? assignment(app) : undefined;
  const node = h("div.stack", null, drawn, assign?.node);
  /** @type {{ record?: Customer, deals: Deal[], activities: Activity[] }} */
  const seen = { deals: [], activities: [] };
  let { complete } = await sync.customers.list({ limit: 1 });
  const draw = () => {
    const { record } = seen;
    assign?.update(record);
    if (!record) return drawn.replaceChildren(h("p.empty", null, t(complete ? "customer.gone" : customersWords(app) ? "customer.not-here" : "customers.loading")));
    const fill = () =>
      drawn.replaceChildren(
        h(
          "div.two",
          null,
          h("div.stack", null, banners(app, record), card(app, record)),
          h("div.stack", null, deals(app, record, seen.deals), timeline(app, seen.activities)),
        ),
      );
    keepingFocus(node, fill, document.activeElement, () => document.querySelector("h1"));
    if (node.isConnected) looked(app, [record, ...seen.deals, ...seen.activities]);
  };
  const first = await sync.customers.get(id);
  seen.record = first;
  const stops = [
    sync.pipelines.watch(
      { where: { customer: id }, sort: ["close_date"] },
      (rows) => ((seen.deals = rows), draw()),
    ),
    sync.activities.watch(
      { where: { customer: id }, sort: ["-at"], limit: 50 },
      (rows) => ((seen.activities = rows), draw()),
    ),
  ];
  const changed = async (/** @type {CustomEvent<{ collections: string[] }>} */ { detail }) => {
    if (!detail.collections.includes("customers")) return;
    ({ complete } = await sync.customers.list({ limit: 1 }));
    seen.record = await sync.customers.get(id);
    draw();
    if (seen.record && node.isConnected) app.retitle(seen.record.fields.name);
  };
  sync.addEventListener("change", changed);
  // A page is shown once it is here, and again when somebody comes back to it.
  const look = () => looked(app, [seen.record, ...seen.deals, ...seen.activities]);
  setTimeout(look);
  document.addEventListener("visibilitychange", look);
  const stop = () => {
    document.removeEventListener("visibilitychange", look);
    sync.removeEventListener("change", changed);
    stops.forEach((end) => end());
    assign?.stop();
  };
  return { title: first?.fields.name ?? t("nav.customers"), node, section: "customers", back: "/customers", stop };
}

/** @param {import("../main.js").App} app @param {Customer} record */
function card(app, record) {
  const { t } = app;
  const { fields } = record;
  const about = [fields.city, fields.segment && enumLabel("segment", fields.segment, app.language)]
    .filter(Boolean)
    .join(" · ");
  return h(
    "section.card",
    null,
    h("div.card-head", null, h("p.muted", null, about), badge(app, record, { story: true, sent: true })),
    contact(app, record),
    h(
      "dl.facts",
      null,
      FACTS.filter((field) => filled(fields[field])).map((field) => [
        h("dt", null, labelOf("customers", field, app.language)),
        h("dd", null, value(app, record, field)),
      ]),
    ),
    h(
      "div.actions",
      null,
      h("a.button.primary", { href: `/activities/new?customer=${record.id}` }, icon("visit"), t("activity.new")),
      h("a.button", { href: `/customers/${record.id}/edit` }, icon("edit"), t("edit")),
      h("button.button.danger", { type: "button", onclick: () => void remove(app, record) }, icon("trash"), t("delete")),
    ),
  );
}

/** @param {unknown} value */
function filled(value) {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && !value.length);
}

/** Numbers and addresses lead out of the app. @param {import("../main.js").App} app @param {Customer} record */
function contact({ t }, { fields }) {
  const { phone, email, address, city } = fields;
  const place = [address, city].filter(Boolean).join(", ");
  const links = [
    phone && h("a.button.small", { href: `tel:${phone.replace(/[^+\d]/g, "")}` }, icon("phone"), t("call")),
    email && h("a.button.small", { href: `mailto:${email}` }, icon("mail"), t("mail")),
    address &&
      h(
        "a.button.small",
        {
          href: `https://www.google.com/maps/search/?api=1&query=${encodeURIComponent(place)}`,
          target: "_blank",
          rel: "noreferrer",
        },
        icon("map"),
        t("map"),
      ),
  ].filter(Boolean);
  return links.length ? h("div.actions.contact", null, links) : null;
}

/** @param {import("../main.js").App} app @param {Customer} record @param {(typeof FACTS)[number]} field */
function value(app, { fields }, field) {
  const given = fields[field];
  if (field === "tags" && Array.isArray(given))
    return h(
      "span.tags",
      null,
      given.map((tag) => h("span.tag", null, String(tag))),
    );
  return h(
    field === "notes" || field === "address" ? "span.prose" : "span",
    null,
    textOf(specOf(app.sync.schema, "customers", field), field, given, app.language),
  );
}

/** @param {import("../main.js").App} app @param {Customer} record */
async function remove(app, record) {
  const row = app.sync.newId();
  try {
    await app.sync.customers.remove(record, { row, holdMs: DELETE_HOLD_MS });
  } catch (failure) {
    console.error(failure);
    return toast(app.t("not-done"));
  }
  app.back("/customers");
  offerUndo(app, app.t("deleted", { name: record.fields.name }), row);
}

/** @param {import("../main.js").App} app @param {Customer} customer @param {Deal[]} rows */
function deals(app, customer, rows) {
  const { t, language } = app;
  const list = rows.map((deal) => {
    const { amount, currency } = /** @type {{ amount?: number, currency?: string }} */ (deal.fields.value ?? {});
    const about = [
      enumLabel("stage", deal.fields.stage, language),
      deal.fields.close_date && format.day(language, deal.fields.close_date),
    ]
      .filter(Boolean)
      .join(" · ");
    return h(
      "li.item",
      null,
      h("div.item-words", null, h("b", null, deal.fields.title), h("span.muted.small", null, about)),
      h(
        "div.item-side",
        null,
        amount !== undefined && h("b.amount", null, format.amountShort(amount, currency)),
        badge(app, deal, { story: true }),
      ),
      mergedBanner(app, deal),
    );
  });
  const part = dealsWords(app);
  return h(
    "section.card",
    { "aria-labelledby": "deals" },
    h("h2", { id: "deals" }, t("deals")),
    rows.length ? h("ul.plain", null, list) : !part && h("p.muted", null, t("deals.none")),
    part && h("p.muted.small", null, part),
  );
}
