/** The record-local rules that a form can say at once. The rule pack in the engine decides; this only saves a round. */

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
