/** Asks the browser to keep the database when space runs short. */

const ANSWER_WITHIN_MS = 3_000;

/**
 * Firefox asks the user and may never settle, so there is a time limit; WebKit may have no `navigator.storage` at all.
 * @returns {Promise<boolean>}
 */
export async function persist() {
  const storage = navigator.storage;
  if (!storage?.persist) return false;
  try {
    if (await storage.persisted?.()) return true;
    return await Promise.race([
      storage.persist(),
      new Promise((/** @type {(kept: boolean) => void} */ settle) => setTimeout(() => settle(false), ANSWER_WITHIN_MS)),
    ]);
  } catch {
    return false;
  }
}

/** @returns {Promise<{ used?: number, quota?: number, persisted: boolean }>} */
export async function space() {
  try {
    const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
    return { used: usage, quota, persisted: (await navigator.storage?.persisted?.()) ?? false };
  } catch {
    return { persisted: false };
  }
}
