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
  const values = {
    who: who(group, user, language),
    count: countOf(collection, conflicts.length, language),
    fields: listed(language, fields.map((field) => labelOf(collection, field, language))),
    when: at ? atTime(language, at) : "",
  };
  const mine = self(group, user);
  const own = fields.length === 1 && !madeTwice ? word(`cause.${collection}.${fields[0]}${mine}`, "", language) : "";
  const key = own ? `cause.${collection}.${fields[0]}${mine}` : `cause.${madeTwice ? "made-twice" : kind}${mine}`;
  return t(key, values).trim();
}

/**
 * What took records from this user: "Ahmad (Manager) reassigned 5 customers at 10:05". An app may have its own words, in
 * `cause.<collection>.revoked`.
 * @param {string} collection @param {number} n @param {{ at?: number, by?: import("../types").By, here?: boolean }} whose
 * @param {string} user @param {import("../i18n.js").Language} language
 */
export function takenWords(collection, n, whose, user, language) {
  const t = translator(language);
  const key = `cause.${collection}.revoked`;
  const values = {
    who: who(whose, user, language),
    count: countOf(collection, n, language),
    when: whose.at ? atTime(language, whose.at) : "",
  };
  return t(word(key, "", language) ? key : "cause.revoked", values).trim();
}

/** "5 customers" @param {string} collection @param {number} n @param {import("../i18n.js").Language} language */
function countOf(collection, n, language) {
  const t = translator(language);
  const name = `count.${collection}`;
  const known = t(name, { n });
  return known === name ? t("count.records", { n }) : known;
}
