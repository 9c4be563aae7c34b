/**
 * Fieldsync for an app: `openClient`, the elements, and what a sign-in page needs. Nothing happens at import.
 */
export { openClient } from "./open.js";
export { defineSchema } from "./define.js";
export { SyncError, isSyncError } from "./errors.js";
export { Auth } from "./auth.js";
export { readIdentity, writeIdentity } from "./identity.js";
export { registerWorker, takeUpdate } from "./worker-bridge.js";
export { space } from "./persist.js";
export { addWords, deviceLanguage, isPhone, translator } from "./i18n.js";
export * as format from "./format.js";
export { defineElements } from "./elements/index.js";
export { h } from "./elements/h.js";
export { addIcons, icon } from "./elements/icons.js";
export { keepingFocus } from "./elements/focus.js";
export { self, who, whoAndWhen } from "./elements/people.js";
export { makeInput } from "./elements/inputs.js";
export { enumLabel, labelOf, specOf, textOf } from "./elements/values.js";
