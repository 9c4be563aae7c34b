/**
 * The small database `fieldsync`: who is signed in, and at which server. It is all that the worker knows before it opens
 * that user's own database; plain JavaScript, so that a page without wasm can read it too.
 *
 * @typedef {object} Identity
 * @property {string} server
 * @property {string} user
 * @property {string} schema The schema as text, so that the next start needs no network.
 * @property {boolean} cookie Whether the worker can get a token itself, by the refresh cookie of a same-site server.
 * @property {import("./auth.js").Profile} [profile]
 * @property {boolean} [signedOut] The user left: nobody's data is opened until the next sign-in.
 */

const DATABASE = "fieldsync";
const STORE = "identity";
const CURRENT = "current";

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds an older database"));
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>} The value, once the transaction is complete.
 */
async function transact(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/**
 * Reads and writes a row in one transaction, so that two tabs do not overtake each other. Undefined deletes it.
 * @template T
 * @param {string} key
 * @param {(row: any) => T} change
 * @returns {Promise<T>}
 */
export async function amend(key, change) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, "readwrite");
      const store = transaction.objectStore(STORE);
      const request = store.get(key);
      /** @type {T} */
      let row;
      request.onsuccess = () => {
        row = change(request.result);
        if (row === undefined) store.delete(key);
        else store.put(row, key);
      };
      transaction.oncomplete = () => resolve(row);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @param {string} [key] @returns {Promise<Identity | undefined>} */
export function readIdentity(key = CURRENT) {
  return transact("readonly", (store) => store.get(key));
}

/** @param {Identity} identity */
export async function writeIdentity(identity) {
  await transact("readwrite", (store) => store.put(identity, CURRENT));
}

/** The key of the schema last had from a server: an app that starts offline has it. @param {string} server */
export const schemaKey = (server) => `schema:${server}`;

/** Several rows at once, as the start wants them: undefined is one that is not there. @param {string[]} keys @returns {Promise<any[]>} */
export async function readRows(keys) {
  /** @type {IDBRequest<any>[]} */
  let requests = [];
  await transact("readonly", (store) => {
    requests = keys.map((key) => store.get(key));
    return requests[0];
  });
  return requests.map(({ result }) => result);
}

/** @param {string} server @param {string} text */
export async function writeSchema(server, text) {
  await transact("readwrite", (store) => store.put(text, schemaKey(server)));
}

const LAST_CHANCE = "last-chance";

/** The worker's word to the next page: the browser comes no more, and something is left. @param {number | undefined} at None: it is settled. */
export async function noteLastChance(at) {
  await transact("readwrite", (store) => /** @type {IDBRequest<unknown>} */ (at === undefined ? store.delete(LAST_CHANCE) : store.put({ at }, LAST_CHANCE)));
}

/** @returns {Promise<{ at: number } | undefined>} */
export function readLastChance() {
  return transact("readonly", (store) => store.get(LAST_CHANCE));
}
