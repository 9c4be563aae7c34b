/**
 * The servers: ours as it is shipped, with its database on disk, and those of the others, in memory. Each starts with the same
 * customers and serves the same folder, so that every page asks its own origin.
 */
import { spawn } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { uuid7 } from "../../tests/e2e/lib/api.mjs";
import { Server } from "../../tests/e2e/lib/server.mjs";
import { changeOf, customers } from "./customers.mjs";

/** @typedef {{ origin: string, changed(word: string): Promise<number>, stop(): Promise<void> }} Running */
/** @typedef {Running & { port: number, change(count: number, word: string): Promise<void> }} OursRunning `change`: another device changes so many customers. */

export const USER = { username: "bench", password: "bench-1234" };
/** What is pushed at once when our server is filled: well below the largest body. */
const FILL_PARCELS = 500;
const SNAPSHOT_LIMIT = 2000;
const START_MS_MAX = 60_000;

/** @type {Record<string, string>} */
const PROGRAMS = { PouchDB: "couch.mjs", RxDB: "rxdb.mjs" };

/** Another library's server, as a process of its own. @param {string} library @param {string} app @param {number} count @returns {Promise<Running>} */
export async function startTheirs(library, app, count) {
  const program = fileURLToPath(new URL(`../servers/${PROGRAMS[library]}`, import.meta.url));
  const child = spawn(process.execPath, ["--no-warnings", program, app, String(count)], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server of ${library} did not start`)), START_MS_MAX);
    child.once("exit", () => reject(new Error(`the server of ${library} ended at once`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (\d+)/.exec(line);
      if (found) resolve(Number(found[1]));
      clearTimeout(timer);
    });
  });
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    changed: async (word) => (await fetch(`${origin}/bench/changed?word=${word}`)).json(),
    stop: async () => {
      child.stdin.end();
      await gone;
    },
  };
}

/** Our server with its customers, made once for each number of them; each measurement gets a copy. */
export class Ours {
  #program;
  #app;
  #folder;
  /** @type {Map<number, Promise<void>>} */
  #made = new Map();

  /** @param {string} program @param {string} app @param {string} folder For the databases. */
  constructor(program, app, folder) {
    this.#program = program;
    this.#app = app;
    this.#folder = folder;
    rmSync(folder, { recursive: true, force: true });
  }

  /** @param {number} count */
  #template(count) {
    return join(this.#folder, `template-${count}`);
  }

  /** Makes the database that is copied. @param {number} count */
  async #fill(count) {
    await this.#addUser(this.#template(count));
    const server = this.#server(this.#template(count));
    await server.start();
    try {
      const client = await Client.signIn(server.port);
      const records = customers(count);
      for (let from = 0; from < count; from += FILL_PARCELS) await client.create(records.slice(from, from + FILL_PARCELS));
    } finally {
      await server.stop();
    }
  }

  /** @param {number} count Of its customers. @returns {Promise<OursRunning>} */
  async start(count) {
    const made = this.#made.get(count) ?? this.#fill(count);
    this.#made.set(count, made);
    await made;
    const data = join(this.#folder, "data");
    rmSync(data, { recursive: true, force: true });
    cpSync(this.#template(count), data, { recursive: true });
    const server = this.#server(data);
    await server.start();
    return {
      port: server.port,
      origin: `http://127.0.0.1:${server.port}`,
      changed: async (word) => (await Client.signIn(server.port)).changed(word),
      change: async (count, word) => (await Client.signIn(server.port)).update(customers(count), word),
      stop: () => server.stop(),
    };
  }

  /** @param {string} data */
  #server(data) {
    return new Server({ program: this.#program, app: this.#app, data, demo: false });
  }

  /** @param {string} data */
  async #addUser(data) {
    const words = ["user", "add", "Bench", "--username", USER.username, "--role", "rep", "--data", data, "--password-stdin"];
    const child = spawn(this.#program, words, { stdio: ["pipe", "ignore", "inherit"] });
    child.stdin.end(`${USER.password}\n`);
    const status = await new Promise((resolve) => child.once("exit", resolve));
    if (status !== 0) throw new Error(`the user could not be added (${status})`);
  }
}

/** A device of the user without a browser. */
class Client {
  #origin;
  #headers;

  /** @param {string} origin @param {Record<string, string>} headers */
  constructor(origin, headers) {
    this.#origin = origin;
    this.#headers = headers;
  }

  /** @param {number} port */
  static async signIn(port) {
    const origin = `http://127.0.0.1:${port}`;
    const headers = { origin, "content-type": "application/json" };
    const body = JSON.stringify({ grant: "password", ...USER });
    const answer = await taken(await fetch(`${origin}/auth/v1/token`, { method: "POST", headers, body }));
    return new Client(origin, { ...headers, authorization: `Bearer ${answer.access_token}`, "fieldsync-user": answer.profile.id });
  }

  /** @param {ReturnType<typeof customers>} records */
  create(records) {
    return this.#push(records.map(({ id, ...patch }) => ({ id, action: "create", base_version: 0, patch, seen: {} })));
  }

  /** Changes them as they were made. @param {ReturnType<typeof customers>} records @param {string} word */
  update(records, word) {
    return this.#push(
      records.map(({ id, contact, next_visit }, index) => {
        return { id, action: "update", base_version: 1, patch: changeOf(index, word), seen: { contact, next_visit } };
      }),
    );
  }

  /** @param {{ id: string, action: string, base_version: number, patch: object, seen: object }[]} items */
  async #push(items) {
    const parcels = items.map((item) => {
      const whole = { collection: "customers", ...item, edited_at: Date.now() };
      return { op_id: uuid7(), changes: [uuid7()], schema: 1, items: [whole] };
    });
    const body = { device: uuid7(), epoch: uuid7(), allocated_seq: 1, open: [[1, 1]], parcels };
    const { results } = await this.#ask("/sync/v1/push", body);
    const refused = results.find((/** @type {any} */ result) => result.outcome !== "applied");
    if (refused) throw new Error(`the server refused a customer: ${JSON.stringify(refused)}`);
  }

  /** How many customers carry this word. @param {string} word */
  async changed(word) {
    let count = 0;
    const query = `/sync/v1/snapshot?collections=customers&schema=1&limit=${SNAPSHOT_LIMIT}`;
    for (let more = ""; ; ) {
      const { records, next, watermark } = await this.#ask(query + more);
      count += records.filter((/** @type {any} */ { fields }) => fields.contact.includes(`(${word})`)).length;
      if (!next) return count;
      more = `&after=${encodeURIComponent(next)}&watermark=${encodeURIComponent(watermark)}`;
    }
  }

  /** @param {string} path @param {object} [body] */
  async #ask(path, body) {
    const options = { method: body ? "POST" : "GET", headers: this.#headers, body: body && JSON.stringify(body) };
    return taken(await fetch(this.#origin + path, options));
  }
}

/** @param {Response} response @returns {Promise<any>} */
async function taken(response) {
  if (!response.ok) throw new Error(`${response.status} ${response.url}: ${await response.text()}`);
  return response.json();
}
