/** Deletes a user's database from this device: what only an app asks for, never a sign-out. */
import { SyncError } from "./errors.js";

/** How long a tab or the worker may take to let go: one in the middle of a transaction is closed when that ends. As src/web/schema.rs has it. */
const HELD_MS_MAX = 5_000;

/** As the engine names it. @param {string} server @param {string} user */
export function databaseName(server, user) {
  return `fieldsync ${server} ${user}`;
}

/** @param {string} name @returns {Promise<void>} */
export function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(new SyncError("storage-unknown", "the database could not be deleted", { cause: request.error }));
    // Other tabs close theirs when they hear of it. One that does not holds the deletion up; it happens once that tab is gone.
    request.onblocked = () =>
      setTimeout(() => reject(new SyncError("storage-blocked", "another tab holds the database open", { retryable: true })), HELD_MS_MAX);
  });
}
