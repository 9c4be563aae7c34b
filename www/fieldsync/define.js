/**
 * A schema as it is: the call only gives it its literal type, and checks it while it is written.
 * @type {typeof import("./types").defineSchema}
 */
export const defineSchema = (schema) => schema;
