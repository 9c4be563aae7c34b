/** The server as another device of this user sees it: what a story believes about the server, it asks here. */
import http from "node:http";

const SCHEMA = 1;

/** @typedef {{ collection: string, id: string, version: number, seq: number, fields: Record<string, any>, changed?: any, by: any }} Entry */

export class Api {
  #port;
  /** @type {{ access_token: string, profile: { id: string, name: string } } | undefined} */
  #token;
  #username;

  /** @param {number} port The server's own: no proxy in between. @param {string} username One of the demo's. */
  constructor(port, username) {
    this.#port = port;
    this.#username = username;
  }

  get user() {
    return this.#token?.profile;
  }

  async signIn() {
    const { json } = await this.request("GET", "/auth/v1/demo");
    const password = json.users.find((/** @type {any} */ user) => user.username === this.#username)?.password;
    const answer = await this.request("POST", "/auth/v1/token", { grant: "password", username: this.#username, password });
    if (answer.status !== 200) throw new Error(`cannot sign in ${this.#username}: ${answer.status} ${JSON.stringify(answer.json)}`);
    this.#token = answer.json;
    return this;
  }

  /** Everything that this user may see. @param {string} [collection] @returns {Promise<Entry[]>} */
  async records(collection = "customers") {
    if (!this.#token) await this.signIn();
    const found = [];
    let query = `collections=${collection}&schema=${SCHEMA}&limit=2000`;
    for (let after = "", watermark = ""; ; ) {
      const more = after ? `&after=${encodeURIComponent(after)}&watermark=${encodeURIComponent(watermark)}` : "";
      const { status, json } = await this.request("GET", `/sync/v1/snapshot?${query}${more}`);
      if (status !== 200) throw new Error(`snapshot: ${status} ${JSON.stringify(json)}`);
      found.push(...json.records);
      if (!json.next) return found;
      after = json.next;
      watermark = json.watermark;
    }
  }

  /** @param {string} collection @param {string} id */
  async record(collection, id) {
    return (await this.records(collection)).find((entry) => entry.id === id);
  }

  /** @param {string} name */
  async customersNamed(name) {
    return (await this.records("customers")).filter((entry) => entry.fields.name === name);
  }

  /** Changes a record as another device would. @param {Entry} entry @param {Record<string, any>} patch */
  async update(entry, patch) {
    const seen = Object.fromEntries(Object.keys(patch).map((field) => [field, entry.fields[field] ?? null]));
    const item = { collection: entry.collection, id: entry.id, action: "update", base_version: entry.version, patch, seen };
    return this.push([{ ...item, edited_at: Date.now() }]);
  }

  /** One parcel. @param {any[]} items @param {{ op?: string, rows?: string[] }} [ids] */
  push(items, { op = uuid7(), rows = [uuid7()] } = {}) {
    return this.#push([{ op_id: op, changes: rows, schema: SCHEMA, items }]);
  }

  /** Each item in a parcel of its own. @param {any[]} items */
  pushEach(items) {
    return this.#push(items.map((item) => ({ op_id: uuid7(), changes: [uuid7()], schema: SCHEMA, items: [item] })));
  }

  /** @param {any[]} parcels */
  async #push(parcels) {
    if (!this.#token) await this.signIn();
    const body = { device: uuid7(), epoch: uuid7(), allocated_seq: 1, open: [[1, 1]], parcels };
    const { status, json } = await this.request("POST", "/sync/v1/push", body);
    return { status, json, result: json?.results?.[0] };
  }

  /** @param {string} method @param {string} path @param {any} [body] @param {Record<string, string>} [extra] @returns {Promise<{ status: number, json: any, text: string }>} */
  request(method, path, body, extra = {}) {
    const origin = `http://127.0.0.1:${this.#port}`;
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    /** @type {Record<string, string>} */
    const headers = { origin, ...(text ? { "content-type": "application/json" } : {}) };
    if (this.#token && path.startsWith("/sync/")) {
      headers.authorization = `Bearer ${this.#token.access_token}`;
      headers["fieldsync-user"] = this.#token.profile.id;
    }
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.#port, method, path, headers: { ...headers, ...extra }, agent: false };
      const request = http.request(options, async (reply) => {
        let answer = "";
        for await (const part of reply.setEncoding("utf8")) answer += part;
        resolve({ status: reply.statusCode ?? 0, json: parsed(answer), text: answer });
      });
      request.on("error", reject);
      request.end(text);
    });
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Like the device makes them: the time first. */
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setBigUint64(0, (BigInt(Date.now()) << 16n) | BigInt((bytes[6] << 8) | bytes[7]));
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
