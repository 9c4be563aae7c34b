/** A record in a list: its words, and how it stands with the server. */
import { h, icon } from "../fieldsync/index.js";

/** @typedef {import("../fieldsync/types").RecordView} RecordView */

/** @param {import("./main.js").App} app @param {RecordView} record @param {{ story?: boolean, sent?: boolean }} [options] A button that tells the story; "sent" when synced. */
export function badge(app, record, options = {}) {
  return h("record-badge", { record, language: app.language, ...options });
}

/** @param {import("./main.js").App} app @param {RecordView} record @param {{ href: string, title: any, about: any, side?: any }} parts */
export function recordRow(app, record, { href, title, about, side }) {
  return h(
    "li",
    null,
    h(
      "a.row",
      { href },
      h("span.row-words", null, h("span.row-title", null, title), about && h("span.row-about", null, about)),
      h("span.row-side", null, side, badge(app, record)),
      icon("chevron"),
    ),
  );
}
