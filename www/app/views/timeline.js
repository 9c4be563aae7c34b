/** What happened with a customer, by day, newest first. */
import { enumLabel, format, h, icon } from "../../fieldsync/index.js";
import { mergedBanner } from "../merged.js";
import { badge } from "../record-row.js";

/** @type {{ [kind: string]: string }} */
const SHAPES = { visit: "visit", call: "phone", email: "mail", meeting: "meeting" };

/** @param {import("../main.js").App} app @param {import("../../fieldsync/types").RecordView[]} activities */
export function timeline(app, activities) {
  const { t, language } = app;
  let day = "";
  const items = activities.flatMap((activity) => {
    const { kind, subject, note, outcome, at } = activity.fields;
    const when = format.date(language, Number(at));
    const head = when === day ? null : h("li.day", null, when);
    day = when;
    const about = [
      format.time(language, Number(at)),
      enumLabel("kind", String(kind), language),
      outcome && enumLabel("outcome", String(outcome), language),
    ]
      .filter(Boolean)
      .join(" · ");
    return [
      head,
      h(
        "li.event",
        null,
        h("span.dot", null, icon(SHAPES[String(kind)] ?? "visit")),
        h(
          "div.item-words",
          null,
          h("b", null, subject),
          h("span.muted.small", null, about),
          note && h("p.prose.small", null, note),
        ),
        badge(app, activity, { story: true }),
        mergedBanner(app, activity),
      ),
    ];
  });
  return h(
    "section.card",
    { "aria-labelledby": "timeline" },
    h("h2", { id: "timeline" }, t("timeline")),
    items.length ? h("ul.plain.timeline", null, items) : h("p.muted", null, t("timeline.none")),
  );
}
