/** What brought conflicts about, as a sentence: "Ahmad (Manager) changed Phone of 23 customers at 10:05". */
import { translator } from "../i18n.js";
import { atTime, listed, self, who } from "./people.js";
import { labelOf, word } from "./values.js";

/**
 * An app may have better words for a field, in `cause.<collection>.<field>`: "{who} reassigned {count} {when}"; and for its
 * records, in `count.<collection>`.
 * @param {import("../types").ConflictGroup} group @param {string} user @param {import("../i18n.js").Language} language
 */
export function causeWords(group, user, language) {
  const { collection, kind, madeTwice, fields, at, conflicts } = group;
  const t = translator(language);
  const n = conflicts.length;
  const name = `count.${collection}`;
  const known = t(name, { n });
  const values = {
    who: who(group, user, language),
    count: known === name ? t("count.records", { n }) : known,
    fields: listed(language, fields.map((field) => labelOf(collection, field, language))),
    when: at ? atTime(language, at) : "",
  };
  const mine = self(group, user);
  const own = fields.length === 1 && !madeTwice ? word(`cause.${collection}.${fields[0]}${mine}`, "", language) : "";
  const key = own ? `cause.${collection}.${fields[0]}${mine}` : `cause.${madeTwice ? "made-twice" : kind}${mine}`;
  return t(key, values).trim();
}
