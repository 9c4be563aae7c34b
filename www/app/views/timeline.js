/** What happened with a customer, by day, newest first. */
import { enumLabel, format, h, icon } from "../../fieldsync/index.js";
import { mergedBanner } from "../merged.js";
import { badge } from "../record-row.js";
import { activitiesWords } from "../selecting.js";

/** @type {{ [Kind in import("../session.js").Activity["fields"]["kind"]]: string }} */
const SHAPES = { visit: "visit", call: "phone", email: "mail", meeting: "meeting" };

/** @param {import("../main.js").App} app @param {import("../session.js").Activity[]} activities */
export function timeline(app, activities) {
  const { t, language } = app;
  let day = "";
  const items = activities.flatMap((activity) => {
    const { kind, subject, note, outcome, at } = activity.fields;
    const when = format.date(language, at);
    const head = when === day ? null : h("li.day", null, when);
    day = when;
    const about = [
      format.time(language, at),
      enumLabel("kind", kind, language),
      outcome && enumLabel("outcome", outcome, language),
    ]
      .filter(Boolean)
      .join(" · ");
    return [
      head,
      h(
        "li.event",
        null,
        h("span.dot", null, icon(SHAPES[kind] ?? "visit")),
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
  const part = activitiesWords(app);
  return h(
    "section.card",
    { "aria-labelledby": "timeline" },
    h("h2", { id: "timeline" }, t("timeline")),
    items.length ? h("ul.plain.timeline", null, items) : !part && h("p.muted", null, t("timeline.none")),
    part && h("p.muted.small", null, part),
  );
}
