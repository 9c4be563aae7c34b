/**
 * The bad network: a proxy on the loopback between browser and server. The page's origin stays the same whether the server
 * lives or not, and every way in which a request can fail is one rule. Never CDP's "offline": it does not hold Background Sync
 * back, and it is not what an outage looks like.
 */
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

/**
 * @typedef {object} Rule
 * @property {RegExp} path Of the request, with its query.
 * @property {string} [method]
 * @property {string} [user] Only requests that name this user.
 * @property {(seen: Seen) => boolean} [when] Only requests that this says yes to.
 * @property {number} [times] How many requests it is for; default: all.
 * @property {number} [after] How many matching requests pass before.
 * @property {number} [delay] Milliseconds before the request goes on.
 * @property {"refuse" | "lose-answer" | "half"} [fault] `refuse`: the server never hears of it. `lose-answer`: it does, and the
 *   browser does not hear back. `half`: the browser gets the first half of the answer, then the connection dies.
 * @property {{ status: number, headers?: Record<string, string>, body?: string }} [answer] In the server's place.
 * @property {(answer: any) => any} [rewrite] Changes the server's answer.
 * @property {Promise<unknown>} [hold] The answer of the server waits for this.
 */

/** @typedef {{ at: number, method: string, path: string, headers: http.IncomingHttpHeaders, body?: any, ruled?: boolean, status?: number, fault?: string, answer?: any }} Seen `ruled`: a rule was for it. */

export class Proxy {
  /** Every request, oldest first. @type {Seen[]} */
  seen = [];
  /** @type {Rule[]} */
  #rules = [];
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  /** @type {Map<string, { type: string, body: string }>} */
  #pages = new Map();
  #server = http.createServer((request, response) => void this.#handle(request, response));
  #agent = new http.Agent({ keepAlive: false });
  /** @type {number | undefined} */
  #upstream;
  port = 0;

  /** @param {number} [port] 0: any. */
  static async start(port = 0) {
    const proxy = new Proxy();
    proxy.#server.keepAliveTimeout = 60_000;
    proxy.#server.on("connection", (socket) => {
      proxy.#sockets.add(socket);
      socket.on("close", () => proxy.#sockets.delete(socket));
    });
    proxy.port = port;
    await proxy.replug();
    return proxy;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where the server is now; none: it is down. @param {number | undefined} port */
  set upstream(port) {
    this.#upstream = port;
  }

  /** Serves a page of ours beside the server's. @param {string} path @param {string} body @param {string} [type] */
  page(path, body, type = "text/html; charset=utf-8") {
    this.#pages.set(path, { type, body });
  }

  /** Adds a rule, before the older ones; gives back how to remove it. @param {Rule} rule */
  rule(rule) {
    const own = { ...rule };
    this.#rules.unshift(own);
    return () => void (this.#rules = this.#rules.filter((other) => other !== own));
  }

  /**
   * The server answers the next request that this is for, and the answer waits until it is released.
   * @param {Omit<Rule, "hold" | "times">} rule
   */
  holdNext(rule) {
    /** @type {(value?: unknown) => void} */
    let open = () => {};
    const hold = new Promise((resolve) => (open = resolve));
    const from = this.seen.length;
    const lift = this.rule({ ...rule, times: 1, hold });
    const isHeld = () => this.seen.slice(from).some((seen) => seen.ruled && seen.answer !== undefined);
    return { isHeld, release: () => (lift(), open()) };
  }

  /** No rules: a good network. */
  clear() {
    this.#rules = [];
  }

  /** Pulls the cable: established connections die at once, and new ones are refused by the system. */
  async unplug() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async replug() {
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.port, "127.0.0.1", () => {
        this.#server.off("error", reject);
        resolve(undefined);
      });
    });
    const address = this.#server.address();
    if (address && typeof address === "object") this.port = address.port;
  }

  async close() {
    if (this.#server.listening) await this.unplug();
    this.#agent.destroy();
  }

  /** Requests of this path. @param {RegExp} path @param {string} [method] */
  requests(path, method) {
    return this.seen.filter((seen) => path.test(seen.path) && (!method || seen.method === method));
  }

  /** The rule for this request, which counts it. @param {Seen} seen */
  #match(seen) {
    const rule = this.#rules.find((rule) => {
      if (!rule.path.test(seen.path) || (rule.method && rule.method !== seen.method) || rule.times === 0) return false;
      if (rule.user && seen.headers["fieldsync-user"] !== rule.user) return false;
      if (rule.when && !rule.when(seen)) return false;
      if (rule.after) return void (rule.after -= 1);
      return true;
    });
    if (rule?.times) rule.times -= 1;
    return rule;
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  async #handle(request, response) {
    const body = await read(request).catch(() => undefined);
    if (body === undefined) return;
    const { method = "GET", url = "/", headers } = request;
    /** @type {Seen} */
    const seen = { at: Date.now(), method, path: url, headers, body: parsed(body, headers) };
    this.seen.push(seen);
    const page = this.#pages.get(url.split("?")[0]);
    if (page) return void response.writeHead(200, { "content-type": page.type, "cache-control": "no-store" }).end(page.body);
    const rule = this.#match(seen);
    seen.ruled = rule !== undefined;
    seen.fault = rule?.fault ?? (rule?.answer ? `answer ${rule.answer.status}` : undefined);
    if (rule?.delay) await sleep(rule.delay);
    if (rule?.fault === "refuse") return void request.socket.resetAndDestroy();
    if (rule?.answer) return void answer(response, seen, rule.answer);
    await this.#forward(request, response, body, rule, seen);
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response @param {Buffer} body @param {Rule | undefined} rule @param {Seen} seen */
  async #forward(request, response, body, rule, seen) {
    try {
      const { reply, bytes: given } = await this.#ask(request, body);
      seen.status = reply.statusCode;
      seen.answer = parsed(given, reply.headers);
      const bytes = rule?.rewrite ? Buffer.from(JSON.stringify(rule.rewrite(seen.answer))) : given;
      if (rule?.hold) await rule.hold;
      if (rule?.fault === "lose-answer") return void request.socket.resetAndDestroy();
      const headers = { ...reply.headers };
      delete headers["transfer-encoding"];
      delete headers.connection;
      if (rule?.rewrite) delete headers["content-encoding"];
      headers["content-length"] = String(bytes.length);
      response.writeHead(reply.statusCode ?? 502, headers);
      if (rule?.fault !== "half") return void response.end(request.method === "HEAD" ? undefined : bytes);
      // Written and gone out, before the end of the connection.
      response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => setTimeout(() => request.socket.destroy(), 50));
    } catch {
      request.socket.resetAndDestroy();
    }
  }

  /** @param {http.IncomingMessage} request @param {Buffer} body @returns {Promise<{ reply: http.IncomingMessage, bytes: Buffer }>} */
  #ask(request, body) {
    return new Promise((resolve, reject) => {
      if (!this.#upstream) return reject(new Error("the server is down"));
      const headers = { ...request.headers };
      delete headers["transfer-encoding"];
      delete headers.connection;
      if (body.length) headers["content-length"] = String(body.length);
      const options = { host: "127.0.0.1", port: this.#upstream, method: request.method, path: request.url, headers, agent: this.#agent };
      const upstream = http.request(options, (reply) => {
        read(reply).then((bytes) => resolve({ reply, bytes }), reject);
      });
      upstream.on("error", reject);
      upstream.end(body);
    });
  }
}

/** @param {http.ServerResponse} response @param {Seen} seen @param {NonNullable<Rule["answer"]>} wanted */
function answer(response, seen, wanted) {
  seen.status = wanted.status;
  response.writeHead(wanted.status, { "content-type": "text/html", ...wanted.headers }).end(wanted.body ?? "");
}

/** @param {import("node:stream").Readable} stream @returns {Promise<Buffer>} */
async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** The JSON in it, or undefined. @param {Buffer} bytes @param {http.IncomingHttpHeaders} headers */
function parsed(bytes, headers) {
  try {
    return JSON.parse((headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
