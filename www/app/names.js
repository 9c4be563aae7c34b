/** The names of the records that values refer to. */
import { specOf } from "../fieldsync/index.js";

/**
 * @param {import("./main.js").App} app @param {{ collection: string, field: string, value: import("../fieldsync/types").Value | undefined }[]} values
 * @returns {Promise<import("../fieldsync/elements/values.js").NameOf>}
 */
export async function names({ sync }, values) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { collection, field, value } of values) {
    const { type, refers_to: to = "" } = specOf(sync.schema, collection, field);
    if (type !== "reference" || typeof value !== "string" || found.has(value)) continue;
    const record = await sync.collection(/** @type {import("./session.js").CollectionName} */ (to)).get(value);
    const declared = sync.schema.collections.find((each) => each.name === to);
    const title = /** @type {import("../fieldsync/types").Fields | undefined} */ (record?.fields)?.[declared?.title ?? ""];
    if (title) found.set(value, String(title));
  }
  return (_, id) => found.get(id);
}
