/**
 * The input for a field, by its kind in the schema; and the value that is in it.
 *
 * @typedef {import("./values.js").FieldSpec} FieldSpec
 * @typedef {import("../types").Value} Value
 * @typedef {{ node: HTMLElement, read: () => Value }} Input A `fieldset`, if it is several.
 */
import { h } from "./h.js";
import { enumLabel, memberLabel } from "./values.js";

const PROSE_LENGTH = 200;

/**
 * @param {FieldSpec} spec @param {string} field @param {Value | undefined} value
 * @param {{ language: import("../i18n.js").Language, id?: string, label?: string, allowed?: string[] }} options
 * @returns {Input | undefined} Undefined for what cannot be typed in: references, positions.
 */
export function makeInput(spec, field, value, { language, id, label, allowed }) {
  const common = { id, name: field, "aria-label": label };
  switch (spec.type) {
    case "string":
      return textInput(spec, field, value, common);
    case "enum":
      return choice(spec, field, value, common, language, allowed);
    case "date":
      return plain(h("input", { ...common, type: "date", value: value ?? "" }), (text) => text || null);
    case "time":
      return plain(h("input", { ...common, type: "datetime-local", value: localTime(value) }), (text) =>
        text ? new Date(text).getTime() : null,
      );
    case "integer":
    case "number":
      return plain(
        h("input", { ...common, type: "number", inputMode: "numeric", min: spec.min, max: spec.max, value: value ?? "" }),
        toNumber,
      );
    case "boolean":
      return plainBox(h("input", { ...common, type: "checkbox", checked: value === true }));
    case "array":
      return plain(h("input", { ...common, type: "text", value: Array.isArray(value) ? value.join(", ") : "" }), toList);
    case "object":
      if (spec.by_member && spec.members) return memberInputs(spec, field, value, common, language);
      return isAmount(field, value) ? amountInput(value, common) : undefined;
    default:
      return undefined;
  }
}

/** @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} node @param {(text: string) => Value} convert @returns {Input} */
function plain(node, convert) {
  return { node, read: () => convert(node.value) };
}

/** @param {HTMLInputElement} node @returns {Input} */
function plainBox(node) {
  return { node, read: () => node.checked };
}

/** @param {FieldSpec} spec @param {string} field @param {Value | undefined} value @param {object} common */
function textInput(spec, field, value, common) {
  // As the server would write it: the rules here read it as it stands.
  const written = (/** @type {string} */ text) => (spec.normalise === "upper" ? text.trim().toUpperCase() : text);
  const empty = (/** @type {string} */ text) => (text.trim() ? written(text) : null);
  const shared = { ...common, value: value ?? "", maxLength: spec.length_max ?? 10_000 };
  if ((spec.length_max ?? 0) > PROSE_LENGTH) return plain(h("textarea", { ...shared, rows: 4 }), empty);
  const kinds = /** @type {{ [field: string]: object }} */ ({
    phone: { type: "tel", inputMode: "tel", autocomplete: "off" },
    email: { type: "email", autocomplete: "off", spellcheck: false },
    code: { autocapitalize: "characters", autocomplete: "off", spellcheck: false },
  });
  return plain(h("input", { type: "text", ...shared, ...kinds[field] }), empty);
}

/** @param {FieldSpec} spec @param {string} field @param {Value | undefined} value @param {object} common @param {import("../i18n.js").Language} language @param {string[]} [allowed] */
function choice(spec, field, value, common, language, allowed) {
  const values = (spec.values ?? []).filter((each) => !allowed || each === value || allowed.includes(each));
  const options = values.map((each) =>
    h("option", { value: each, selected: each === value }, enumLabel(field, each, language)),
  );
  const none = spec.required && value ? null : h("option", { value: "", selected: !value }, "–");
  return plain(h("select", common, none, options), (text) => text || null);
}

/**
 * An input for each member that is asked for; the others stay. As a field of its own it has the label of the whole.
 * @param {FieldSpec} spec @param {string} field @param {Value | undefined} value @param {{ id?: string, "aria-label"?: string }} common
 * @param {import("../i18n.js").Language} language @returns {Input}
 */
function memberInputs(spec, field, value, { id, "aria-label": label }, language) {
  const before = /** @type {{ [member: string]: Value }} */ (value && typeof value === "object" && !Array.isArray(value) ? value : {});
  const inputs = (spec.members ?? []).flatMap((member) => {
    const options = { language, id: id && `${id}-${member}`, label: label && `${label}: ${memberLabel(spec.collection ?? "", field, member, language)}` };
    const input = makeInput({ type: "string" }, `${field}.${member}`, before[member], options);
    return input ? [{ member, input, id: options.id }] : [];
  });
  const node = h(
    "fieldset.members",
    { id, "aria-label": label },
    inputs.map(({ member, input, id }) => h("div.member", null, h("label", { for: id }, memberLabel(spec.collection ?? "", field, member, language)), input.node)),
  );
  // Who is sent to the field lands where there is something to type.
  node.focus = () => inputs[0]?.input.node.focus();
  return {
    node,
    read() {
      const whole = { ...before };
      for (const { member, input } of inputs) {
        const given = input.read();
        if (given === null) delete whole[member];
        else whole[member] = given;
      }
      return Object.keys(whole).length ? whole : null;
    },
  };
}

/** @param {string} field @param {Value | undefined} value */
function isAmount(field, value) {
  if (value === null || value === undefined) return field === "value" || field === "amount";
  return typeof value === "object" && !Array.isArray(value) && typeof value.amount === "number";
}

/** An amount with its currency is one value. @param {Value | undefined} value @param {object} common @returns {Input} */
function amountInput(value, common) {
  const before = /** @type {{ amount?: number, currency?: string }} */ (value ?? {});
  const node = h("input", {
    ...common,
    type: "text",
    inputMode: "numeric",
    autocomplete: "off",
    value: grouped(before.amount),
  });
  node.addEventListener("change", () => (node.value = grouped(digits(node.value))));
  return {
    node,
    read() {
      const amount = digits(node.value);
      return amount === undefined ? null : { amount, currency: before.currency ?? "IDR" };
    },
  };
}

/** 12.500.000 @param {number | undefined} amount */
function grouped(amount) {
  return amount === undefined ? "" : new Intl.NumberFormat("id-ID", { maximumFractionDigits: 0 }).format(amount);
}

/** Thousands come with dots; nobody types cents of a rupiah. @param {string} text */
function digits(text) {
  const only = text.replace(/,\d*$/, "").replace(/\D/g, "");
  return only ? Number(only) : undefined;
}

/** @param {string} text */
function toNumber(text) {
  return text === "" ? null : Number(text);
}

/** @param {string} text */
function toList(text) {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
  return [...new Set(items)];
}

/** @param {Value | undefined} value */
function localTime(value) {
  if (typeof value !== "number") return "";
  const at = new Date(value);
  return new Date(value - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
