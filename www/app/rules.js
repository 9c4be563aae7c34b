/** The record-local rules, in words, and those that a form can say at once. The rule pack in the engine decides; this only saves a round. */

/** @param {import("../fieldsync/elements/values.js").FieldSpec} spec @param {import("../fieldsync/types").Value} value @returns {string | undefined} The rule that is broken. */
export function brokenRule(spec, value) {
  if (value === null || value === "") return spec.required ? "required" : undefined;
  if (typeof value === "number") {
    if (Number.isNaN(value)) return "type";
    return (spec.min !== undefined && value < spec.min) || (spec.max !== undefined && value > spec.max)
      ? "range"
      : undefined;
  }
  if (typeof value !== "string" || !spec.pattern) return undefined;
  const text = spec.normalise === "upper" ? value.trim().toUpperCase() : value.trim();
  return new RegExp(`^(?:${spec.pattern})$`).test(text) ? undefined : "pattern";
}

/** @param {import("../fieldsync/i18n.js").Translate} t @param {string} rule */
export function ruleWords(t, rule) {
  return known(t, `rule.${rule}`) ?? t("rule.other");
}

/** The words for a key, if there are any. @param {import("../fieldsync/i18n.js").Translate} t @param {string} key */
export function known(t, key) {
  const words = t(key);
  return words === key ? undefined : words;
}
