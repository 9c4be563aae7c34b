/**
 * Sending with the app closed: the same engine, the same lock, one cycle.
 *
 * A rejected promise makes the browser come again (a few times, over about twenty minutes); the outbox keeps what is left,
 * and the next page that opens sends it.
 */
import { Auth } from "../www/fieldsync/auth.js";
import { Cycles, lockName } from "../www/fieldsync/cycle.js";
import { openedDatabase, switchDatabase } from "../www/fieldsync/databases.js";
import { loadEngine } from "../www/fieldsync/engine.js";
import { noteLastChance, readIdentity } from "../www/fieldsync/identity.js";
import { TAG } from "../www/fieldsync/triggers.js";
import { precachedEngine } from "./precache.js";

/** @typedef {import("../www/fieldsync/types").Reason} Reason */

const HOLD_MS_MAX = 6_000;

/**
 * Rejects while something sendable remains; conflicts and refused changes wait for a person, not for another try. After the
 * last chance the browser comes no more: the next page is told, and asks it again.
 * @param {{ lastChance?: boolean }} event
 */
export async function sendInBackground({ lastChance = false }) {
  try {
    const report = await runOnce("background");
    if (report?.unsent) throw new Error("not all could be sent; the browser is to come again");
    await noteLastChance(undefined);
  } catch (error) {
    if (lastChance) await askAgain();
    throw error;
  }
}

/** A worker may ask for another round only while a page is there (Chromium); so the next page does, too. */
async function askAgain() {
  await noteLastChance(Date.now()).catch(() => {});
  const { registration } = /** @type {any} */ (self);
  await registration.sync?.register(TAG).catch(() => {});
}

export async function pullInBackground() {
  await runOnce("periodic").catch(() => {}); // It comes again anyway.
}

/** @param {Reason} reason */
async function runOnce(reason) {
  const identity = await readIdentity();
  if (!identity || identity.signedOut) return undefined;
  if (!identity.cookie) throw new Error("only a page can get a token from this server");
  const { server, user } = identity;
  const database = await openedDatabase(server, user);
  if (!database) return undefined; // No page has opened one, or the last one was deleted.
  const told = await runIn(database, identity, reason);
  if (!told.other) return told.report;
  // Another server answers: what waits for that one is in its own database.
  const other = await switchDatabase(server, user, { name: database.name, epoch: told.epoch }, told.other);
  return (await runIn(other, identity, reason)).report;
}

/** @param {import("../www/fieldsync/databases.js").Database} database @param {import("../www/fieldsync/identity.js").Identity} identity @param {Reason} reason */
async function runIn({ name: database, epoch }, { server, user, schema }, reason) {
  const auth = new Auth(server);
  const name = lockName(server, user);
  const Engine = await loadEngine(await precachedEngine());
  const channel = new BroadcastChannel(name);
  const engine = await Engine.open({
    server,
    user,
    schema,
    database,
    epoch,
    tables: false,
    getAccessToken: (why) => auth.accessToken(why, user),
    onEvent: (event) => event.kind === "wake" && channel.postMessage({ wake: event.message }),
  });
  try {
    // Deleted between the look and the opening, which has made an empty one. It stays empty, and is not deleted here: a page may
    // open it at this very moment, and save.
    if (!(await openedDatabase(server, user))) return {};
    const cycles = new Cycles(engine, name);
    let report = await cycles.request(reason);
    const wait = report?.heldUntil === undefined ? undefined : report.heldUntil - Date.now();
    if (wait !== undefined && wait <= HOLD_MS_MAX) {
      await new Promise((done) => setTimeout(done, Math.max(0, wait))); // The last save was held for Undo: sleep it out.
      report = await cycles.request(reason);
    }
    const { otherServer, serverEpoch } = engine.status();
    return { report, other: otherServer, epoch: serverEpoch };
  } finally {
    engine.close();
    channel.close();
  }
}
