/** Opens a client: schema, identity for the worker, the worker itself, the engine. */
import { SyncClient } from "./client.js";
import { currentDatabase } from "./databases.js";
import { loadEngine } from "./engine.js";
import { SyncError } from "./errors.js";
import { readIdentity, readSchema, writeIdentity, writeSchema } from "./identity.js";
import { registerWorker } from "./worker-bridge.js";

/** @typedef {import("./types").OpenOptions<any>} Options */

/** @type {typeof import("./types").openClient} */
export const openClient = async (options) => /** @type {any} */ (await open(options));

/** @param {Options} options */
async function open(options) {
  const server = (options.server ?? location.origin).replace(/\/$/, "");
  const user = typeof options.user === "string" ? options.user : options.user.id;
  const [Engine, schema] = await Promise.all([loadEngine(options.wasm), findSchema(options, server, user)]);
  await introduce(options, server, user, schema);

  /** @type {import("./client.js").OpenEngine} */
  const openEngine = ({ name, epoch }, onEvent, tables = true) => {
    const getAccessToken = (/** @type {"first" | "expired"} */ reason) => options.getAccessToken(reason);
    return Engine.open({ server, user, schema, database: name, epoch, tables, getAccessToken, onEvent });
  };
  // The engine may speak before there is a client to listen.
  /** @type {import("./types").EngineEvent[]} */
  const early = [];
  let handle = (/** @type {import("./types").EngineEvent} */ event) => void early.push(event);
  const database = await currentDatabase(server, user);
  const engine = await openEngine(database, (event) => handle(event));
  const events = { listen: (/** @type {typeof handle} */ listener) => void (handle = listener) };
  const client = new SyncClient(engine, { server, user, schema, database, open: openEngine }, events);
  early.forEach((event) => handle(event));
  if (options.serviceWorker !== false) {
    const url = new URL(options.serviceWorker ?? "sw.js", document.baseURI);
    void registerWorker(url, () => client.updateReady());
  }
  client.start();
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
 * An address is asked first, so that a new schema arrives; the one kept from the last visit is enough to start offline.
 * @param {Options} options @param {string} server @param {string} user
 */
async function findSchema({ schema, getAccessToken }, server, user) {
  if (typeof schema === "object") return JSON.stringify(schema);
  const kept = await readSchema(server).catch(() => undefined);
  // The server tells its schema only to its users; a file of the app's own needs no token.
  const ask = async () => {
    /** @type {{ [header: string]: string }} */
    const nobody = {};
    const token = await getAccessToken("first");
    return token ? { authorization: `Bearer ${token}`, "fieldsync-user": user } : nobody;
  };
  const asked = schema === undefined ? fetchSchema(`${server}/sync/v1/schema`, ask) : fetchSchema(schema, async () => ({}));
  const fresh = asked.then(async (text) => {
    if (text !== kept) await writeSchema(server, text);
    return text;
  });
  if (kept === undefined) return fresh;
  fresh.catch(() => {}); // For the next start.
  return kept;
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

/** Tells the worker whose work it may send. @param {Options} options @param {string} server @param {string} user @param {string} schema */
async function introduce(options, server, user, schema) {
  try {
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
