/** Reports: what the server counted, new or as it was, with its age. */
import { enumLabel, format, h } from "../../fieldsync/index.js";
import { watchReport } from "../online.js";

/** @typedef {import("../main.js").App} App */
/** @typedef {import("../../fieldsync/types").Report} Report */

/** @param {App} app */
export function overview(app) {
  const { t } = app;
  const parts = [
    section(app, "pipeline", (data) => pipelineTable(app, data)),
    section(app, "visits", (data) => visitsTable(app, data)),
  ];
  const node = h("div.stack.narrow", null, parts.map((part) => part.node));
  return { title: t("nav.overview"), node, section: "today", back: "/", stop: () => parts.forEach((part) => part.stop()) };
}

/** @param {App} app @param {string} name @param {(data: any) => Node} draw */
function section(app, name, draw) {
  const { t } = app;
  const body = h("div", null, h("p.muted", { role: "status" }, t("customers.loading")));
  const stop = watchReport(app, name, (report, isTooOld) =>
    report
      ? body.replaceChildren(h("p.muted.small", { role: "status" }, reportAge(app, report)), draw(report.data))
      : body.replaceChildren(h("p.muted", { role: "status" }, t(isTooOld ? "overview.too-old" : "needs-connection"))),
  );
  const heading = h("h2", { id: `report-${name}` }, t(`overview.${name}`));
  return { node: h("section.card", { "aria-labelledby": heading.id }, heading, body), stop };
}

/** "Data of 10:42, 2 h old". @param {App} app @param {Report} report */
export function reportAge({ t, language }, { at, fresh }) {
  const time = format.moment(language, at);
  return fresh ? t("overview.fresh", { time }) : t("overview.kept", { time, age: old(language, at) });
}

/** 2 h, 3 days. @param {import("../../fieldsync/i18n.js").Language} language @param {number} at */
function old(language, at) {
  const minutes = Math.max(1, Math.round((Date.now() - at) / 60_000));
  const [value, unit] =
    minutes < 60
      ? [minutes, "minute"]
      : minutes < 48 * 60
        ? [Math.round(minutes / 60), "hour"]
        : [Math.round(minutes / 1440), "day"];
  const locale = language === "id" ? "id-ID" : "en-GB";
  return new Intl.NumberFormat(locale, { style: "unit", unit: String(unit), unitDisplay: "short" }).format(Number(value));
}

/** @param {App} app @param {{ stages: { stage: string, deals: number, value: { [currency: string]: number } }[] }} data */
function pipelineTable({ t, language }, { stages }) {
  const sums = (/** @type {{ [currency: string]: number }} */ value) =>
    Object.entries(value).map(([currency, sum]) => format.amountShort(sum, currency)).join(" + ");
  const rows = stages.map(({ stage, deals, value }) =>
    h("tr", null, h("th", { scope: "row" }, enumLabel("stage", stage, language)), h("td", null, deals), h("td", null, sums(value))),
  );
  return table([t("field.pipelines.stage"), t("deals"), t("field.pipelines.value")], rows);
}

/** @param {App} app @param {{ weeks: number[], reps: { name: string, visits: number[] }[] }} data */
function visitsTable({ t, language }, { weeks, reps }) {
  const rows = reps.map(({ name, visits }) =>
    h("tr", null, h("th", { scope: "row" }, name), visits.map((count) => h("td", null, count))),
  );
  return table([t("role.rep"), ...weeks.map((week) => format.day(language, format.isoDay(week)))], rows);
}

/** @param {string[]} heads @param {Node[]} rows */
function table(heads, rows) {
  return h(
    "div.wide-table",
    { tabIndex: 0 },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", null, rows),
    ),
  );
}
