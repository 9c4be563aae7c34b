/**
 * Which database is in use: one for each server, user and epoch of the server. Another server under the same address gets one of
 * its own, and the one before is kept, named here, until its server answers again. The worker reads the same row.
 */
import { databaseName, deleteDatabase } from "./forget.js";
import { amend } from "./identity.js";

/**
 * @typedef {{ name: string, epoch?: string }} Database
 * @typedef {{ current: string, known: { [name: string]: { epoch?: string, lastUsedAt: number } } }} Row
 */

/** @param {string} server @param {string} user */
export const databasesKey = (server, user) => `databases:${server} ${user}`;

/** The one to open now, by the row as it was read. @param {string} server @param {string} user @param {Row | undefined} row @returns {Database} */
export function currentDatabase(server, user, row) {
  const name = row?.current ?? databaseName(server, user);
  return { name, epoch: row?.known[name]?.epoch };
}

/** Notes that it is in use, for the worker and for whoever asks which others there are. @param {string} server @param {string} user @param {Database} opened */
export async function noteOpened(server, user, opened) {
  await amend(databasesKey(server, user), (/** @type {Row | undefined} */ row) => {
    // Another tab may have gone on to another one since.
    const known = { ...row?.known, [opened.name]: { ...row?.known[opened.name], lastUsedAt: Date.now() } };
    return { current: row?.current ?? opened.name, known };
  });
}

/**
 * The one that a page has opened: the worker makes none of its own, lest it bring back what was just deleted.
 * @param {string} server @param {string} user @returns {Promise<Database | undefined>}
 */
export async function openedDatabase(server, user) {
  const row = await amend(databasesKey(server, user), (/** @type {Row | undefined} */ row) => row);
  return row && { name: row.current, epoch: row.known[row.current].epoch };
}

/**
 * Another server answers: its database is in use from now on, for every tab and the worker.
 * @param {string} server @param {string} user @param {Database} from @param {string} epoch The server that answers.
 * @returns {Promise<Database>}
 */
export async function switchDatabase(server, user, from, epoch) {
  const row = await amend(databasesKey(server, user), (/** @type {Row | undefined} */ row) => {
    const lastUsedAt = Date.now();
    const known = { ...row?.known, [from.name]: { epoch: from.epoch, lastUsedAt } };
    const found = Object.keys(known).find((name) => known[name].epoch === epoch);
    const current = found ?? `${databaseName(server, user)} ${epoch}`;
    return { current, known: { ...known, [current]: { epoch, lastUsedAt } } };
  });
  return { name: row.current, epoch };
}

/** Those of other servers. @param {string} server @param {string} user @param {string} current */
export async function otherDatabases(server, user, current) {
  const row = await amend(databasesKey(server, user), (/** @type {Row | undefined} */ row) => row);
  const others = Object.entries(row?.known ?? {}).filter(([name]) => name !== current);
  return others.map(([name, { epoch, lastUsedAt }]) => ({ name, epoch, lastUsedAt }));
}

/** Deletes all of this user at this server. @param {string} server @param {string} user @param {string} current */
export async function deleteDatabases(server, user, current) {
  const deletion = deleteDatabase(current); // At once: whoever opens it meanwhile waits.
  deletion.catch(() => {});
  /** @type {Row | undefined} */
  let before;
  // First of all, and for the worker: it would open them again.
  await amend(databasesKey(server, user), (/** @type {Row | undefined} */ row) => void (before = row)).catch(() => {});
  const others = Object.keys(before?.known ?? {}).filter((name) => name !== current);
  const deleted = await Promise.allSettled([deletion, ...others.map(deleteDatabase)]);
  const failed = deleted.find((result) => result.status === "rejected");
  if (!failed) return;
  await amend(databasesKey(server, user), (/** @type {Row | undefined} */ row) => row ?? before);
  throw failed.reason;
}

/** Of how many records there is unsent work in an export. @param {string} json */
export function countRecords(json) {
  const { outbox } = JSON.parse(json);
  return new Set(outbox.map((/** @type {{ collection: string, record: string }} */ row) => `${row.collection}/${row.record}`)).size;
}
