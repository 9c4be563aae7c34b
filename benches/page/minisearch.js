/** MiniSearch, as its documentation searches as one types: prefixes, and typos of a fifth of a word's letters. */
import MiniSearch from "minisearch";
import { customers } from "../lib/customers.mjs";
import { QUERIES, timed } from "../lib/queries.mjs";

const FIELDS = ["name", "city", "address", "phone", "email", "contact", "code", "notes"];

/** @type {MiniSearch} */
let index;

/** @param {{ total: number }} options */
export async function open({ total }) {
  index = new MiniSearch({ fields: FIELDS, storeFields: FIELDS, searchOptions: { boost: { name: 2 }, prefix: true, fuzzy: 0.2, combineWith: "AND" } });
  index.addAll(customers(total));
}

/** @param {number} from @param {number} to */
export function search(from, to) {
  return timed(from, to, (at) => index.search(QUERIES.texts[at]).slice(0, 20));
}
