/**
 * What the library gives to an app, and what its parts say to each other. Times are milliseconds since 1970.
 * Words as in the specification: record, change, outbox, conflict, resolution.
 */
export * from "./types/client.js";
export * from "./types/collection.js";
export * from "./types/conflicts.js";
export * from "./types/engine.js";
export * from "./types/outbox.js";
export * from "./types/records.js";
export * from "./types/schema.js";
export * from "./types/selection.js";
export * from "./types/status.js";
