/** Today: whom to visit, what is due, and how things stand. */
import { enumLabel, format, h, icon } from "../../fieldsync/index.js";
import { recordRow } from "../record-row.js";
import { customersWords, dealsWords } from "../selecting.js";
import { tryIt } from "./try-it.js";

const DUE_MAX = 12;
const WEEK_MS = 7 * 86_400_000;
const CLOSED = ["won", "lost"];

/** @param {import("../main.js").App} app */
export function today(app) {
  const { t, sync, language } = app;
  const due = h("ul.rows");
  const dueNone = h("p.muted");
  const closing = h("ul.rows");
  const closingNone = h("p.muted");
  const last = h("span");
  const tellLast = () => {
    const { lastSyncedAt } = sync.status;
    last.textContent = `${t("centre.last")}: ${lastSyncedAt ? format.moment(language, lastSyncedAt) : t("centre.never")}`;
  };
  sync.addEventListener("syncstatuschange", tellLast);
  tellLast();
  const stops = [
    sync.customers.watch(
      { where: { next_visit: { lte: format.isoDay() } }, sort: ["next_visit", "name"], limit: DUE_MAX },
      (rows) => {
        due.replaceChildren(...rows.map((record) => visitRow(app, record)));
        dueNone.textContent = rows.length ? "" : rows.complete ? t("today.no-visits") : (customersWords(app) ?? t("customers.loading"));
      },
    ),
    sync.pipelines.watch(
      {
        where: {
          close_date: { lte: format.isoDay(Date.now() + WEEK_MS) },
          stage: { in: ["lead", "qualified", "proposal", "negotiation"] },
        },
        sort: ["close_date"],
        limit: 5,
      },
      (rows) => {
        closing.replaceChildren(
          ...rows
            .filter((deal) => !CLOSED.includes(deal.fields.stage))
            .map((deal) => dealRow(app, deal)),
        );
        closingNone.textContent = rows.length ? "" : (dealsWords(app) ?? t("today.no-deals"));
      },
    ),
  ];
  const node = layout(app, { due, dueNone, closing, closingNone, last });
  const stop = () => {
    sync.removeEventListener("syncstatuschange", tellLast);
    stops.forEach((end) => end());
  };
  return { title: t("nav.today"), node, section: "today", stop };
}

/** @param {import("../main.js").App} app @param {{ [part: string]: Node }} parts */
function layout(app, { due, dueNone, closing, closingNone, last }) {
  const { t, session, language } = app;
  return h(
    "div.stack",
    null,
    h(
      "div.hello",
      null,
      h(
        "div",
        null,
        h("p.lead", null, t(`hello.${partOfDay()}`, { name: session.profile?.name.split(" ")[0] ?? "" })),
        h("p.muted", null, format.date(language, Date.now()), " · ", last),
      ),
      h(
        "div.actions",
        null,
        h("a.button.primary", { href: "/activities/new" }, icon("visit"), t("activity.new")),
        h("a.button", { href: "/customers/new" }, icon("plus"), t("customers.new")),
        h("a.button", { href: "/overview" }, icon("board"), t("nav.overview")),
      ),
    ),
    h(
      "div.two",
      null,
      h("section.card", { "aria-labelledby": "due" }, h("h2", { id: "due" }, t("today.visits")), due, dueNone),
      h(
        "div.stack",
        null,
        h(
          "section.card",
          { "aria-labelledby": "closing" },
          h("h2", { id: "closing" }, t("today.deals")),
          closing,
          closingNone,
        ),
        tryIt(app),
      ),
    ),
  );
}

function partOfDay() {
  const hour = new Date().getHours();
  return hour < 11 ? "morning" : hour < 15 ? "noon" : hour < 18 ? "afternoon" : "evening";
}

/** @param {import("../main.js").App} app @param {import("../session.js").Customer} record */
function visitRow(app, record) {
  const { next_visit: next, city, contact } = record.fields;
  const late = String(next) < format.isoDay();
  const when = late
    ? h("span.when.late", null, app.t("today.since", { day: format.day(app.language, String(next)) }))
    : h("span.when", null, app.t("nav.today"));
  return recordRow(app, record, {
    href: `/customers/${record.id}`,
    title: record.fields.name,
    about: [city, contact].filter(Boolean).join(" · "),
    side: when,
  });
}

/** @param {import("../main.js").App} app @param {import("../session.js").Deal} deal */
function dealRow(app, deal) {
  const { amount, currency } = /** @type {{ amount?: number, currency?: string }} */ (deal.fields.value ?? {});
  const day = format.day(app.language, String(deal.fields.close_date));
  const late = String(deal.fields.close_date) < format.isoDay();
  const about = [
    enumLabel("stage", deal.fields.stage, app.language),
    " · ",
    late ? h("span.when.late", null, app.t("today.since", { day })) : day,
  ];
  return recordRow(app, deal, {
    href: `/customers/${deal.fields.customer}`,
    title: deal.fields.title,
    about,
    side: amount !== undefined && h("b.amount", null, format.amountShort(amount, currency)),
  });
}
