/** Opens a client: schema, identity for the worker, the worker itself, the engine. */
import { SyncClient } from "./client.js";
import { currentDatabase, databasesKey, noteOpened } from "./databases.js";
import { databaseName } from "./forget.js";
import { loadEngine } from "./engine.js";
import { SyncError } from "./errors.js";
import { readIdentity, readRows, schemaKey, writeIdentity, writeSchema } from "./identity.js";
import { registerWorker } from "./worker-bridge.js";

/** @typedef {import("./types").OpenOptions<any>} Options */

/** @type {typeof import("./types").openClient} */
export const openClient = async (options) => /** @type {any} */ (await open(options));

/** @param {Options} options */
async function open(options) {
  const server = (options.server ?? location.origin).replace(/\/$/, "");
  const user = typeof options.user === "string" ? options.user : options.user.id;
  const first = databaseName(server, user);
  const [{ Engine, prepared }, [kept, databases]] = await Promise.all([prepare(options, first), readStart(server, user)]);
  const { schema, fresh } = await findSchema(options, server, user, kept);

  /** @type {import("./client.js").OpenEngine} */
  const openEngine = ({ name, epoch }, onEvent, tables = true, prepared) => {
    const getAccessToken = (/** @type {"first" | "expired"} */ reason) => options.getAccessToken(reason);
    return Engine.open({ server, user, schema, database: name, epoch, tables, getAccessToken, onEvent }, prepared);
  };
  // The engine may speak before there is a client to listen.
  /** @type {import("./types").EngineEvent[]} */
  const early = [];
  let handle = (/** @type {import("./types").EngineEvent} */ event) => void early.push(event);
  const database = currentDatabase(server, user, databases);
  if (database.name !== first) prepared?.close();
  const engine = await openEngine(database, (event) => handle(event), true, database.name === first ? prepared : undefined);
  const events = { listen: (/** @type {typeof handle} */ listener) => void (handle = listener) };
  const client = new SyncClient(engine, { server, user, schema, database, open: openEngine }, events);
  early.forEach((event) => handle(event));
  const begin = () => {
    const introduced = introduce(options, server, user, schema, database);
    if (options.serviceWorker !== false) {
      const url = new URL(options.serviceWorker ?? "sw.js", document.baseURI);
      void introduced.then(() => registerWorker(url, () => client.updateReady()));
    }
    fresh?.();
    client.start();
    return introduced;
  };
  // The first list goes before all of this; only a worker that knows nothing yet is told first.
  if (databases === undefined) await begin();
  else setTimeout(begin);
  return withCollections(client);
}

/** `client.customers` beside `client.collection("customers")`; a collection never hides a member. @param {SyncClient} client */
function withCollections(client) {
  for (const { name } of client.schema.collections) {
    if (!(name in client)) Object.defineProperty(client, name, { value: client.collection(name), enumerable: true });
  }
  return client;
}

/**
 * Loads the engine, and opens the database that is nearly always the one in use while it is read which one is.
 * @param {Options} options @param {string} database
 */
async function prepare(options, database) {
  const Engine = await loadEngine(options.wasm);
  // If it cannot be opened, opening the engine says why.
  return { Engine, prepared: await Engine.prepare(database).catch(() => undefined) };
}

/** The schema kept from the last visit, and which database is in use. @param {string} server @param {string} user @returns {Promise<any[]>} */
async function readStart(server, user) {
  try {
    return await readRows([schemaKey(server), databasesKey(server, user)]);
  } catch (error) {
    console.warn("fieldsync: which database is in use could not be read", error);
    return [];
  }
}

/**
 * The one kept from the last visit is enough to start, also offline; then `fresh` asks for a new one, for the next start.
 * @param {Options} options @param {string} server @param {string} user @param {string | undefined} kept
 * @returns {Promise<{ schema: string, fresh?: () => void }>}
 */
async function findSchema({ schema, getAccessToken }, server, user, kept) {
  if (typeof schema === "object") return { schema: JSON.stringify(schema) };
  // The server tells its schema only to its users; a file of the app's own needs no token.
  const ask = async () => {
    /** @type {{ [header: string]: string }} */
    const nobody = {};
    const token = await getAccessToken("first");
    return token ? { authorization: `Bearer ${token}`, "fieldsync-user": user } : nobody;
  };
  const find = async () => {
    const text = await (schema === undefined ? fetchSchema(`${server}/sync/v1/schema`, ask) : fetchSchema(schema, async () => ({})));
    if (text !== kept) await writeSchema(server, text);
    return text;
  };
  if (kept === undefined) return { schema: await find() };
  return { schema: kept, fresh: () => void find().catch(() => {}) };
}

/** @param {string} url @param {() => Promise<{ [header: string]: string }>} headers @returns {Promise<string>} */
async function fetchSchema(url, headers) {
  try {
    const response = await fetch(url, { headers: await headers() });
    const text = response.ok ? await response.text() : "";
    const found = JSON.parse(text);
    // The server wraps its answers; a file beside the app is the bare schema.
    if (Array.isArray(found.collections)) return bare(found);
    throw new Error(`no schema at ${url}`);
  } catch (cause) {
    throw new SyncError("offline", "the schema could not be had", { retryable: true, cause });
  }
}

/** The schema without what every answer carries: `server_time` differs each time. @param {{ [name: string]: unknown }} found */
function bare({ server_time, server_epoch, user, ...schema }) {
  return JSON.stringify(schema);
}

/**
 * Tells the worker whose work it may send, and where it is.
 * @param {Options} options @param {string} server @param {string} user @param {string} schema @param {import("./databases.js").Database} database
 */
async function introduce(options, server, user, schema, database) {
  try {
    await noteOpened(server, user, database);
    const before = await readIdentity();
    const profile = options.profile ?? (before?.user === user ? before.profile : undefined);
    await writeIdentity({ server, user, schema, profile, cookie: isSameSite(server) && options.profile !== undefined });
  } catch (error) {
    console.warn("fieldsync: the worker will not know whom to send for", error);
  }
}

/** @param {string} server */
function isSameSite(server) {
  return new URL(server, location.href).hostname === location.hostname;
}
