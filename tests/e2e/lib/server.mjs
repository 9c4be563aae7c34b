/** The real server, as a process: started, asked to stop, or killed. Its data outlives it. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { until } from "./until.mjs";

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;

/** @typedef {{ program: string, app: string, data: string, origins?: string[], demo?: boolean }} Options */

export class Server {
  /** What it logged, parsed, of all its lives. @type {any[]} */
  log = [];
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  #options;
  port = 0;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  get running() {
    return this.#process !== undefined;
  }

  async start() {
    const { program, app, data, origins = [], demo = true } = this.#options;
    this.port = await freePort();
    const args = ["serve", "--data", data, "--port", String(this.port), "--app", app, "--test-hooks"];
    if (demo) args.push("--demo");
    for (const origin of origins) args.push("--origin", origin);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, RUST_LOG: "info" } });
    this.#process = child;
    let listening = false;
    createInterface({ input: child.stdout }).on("line", (line) => (listening ||= line.includes("listening on")));
    createInterface({ input: child.stderr }).on("line", (line) => this.log.push(parsed(line)));
    child.once("exit", () => (this.#process = this.#process === child ? undefined : this.#process));
    await until(`the server listens`, () => listening || !this.running, START_MS_MAX);
    if (!this.running) throw new Error(`the server ended at once:\n${this.lastWords()}`);
  }

  /** As an operator stops it: it finishes what it does. */
  async stop() {
    await this.#end("SIGTERM");
  }

  /** As a power cut stops it. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#process;
    if (!child) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await gone;
    clearTimeout(timer);
  }

  lastWords() {
    return this.log.slice(-15).map((line) => JSON.stringify(line)).join("\n");
  }
}

/** @param {string} line */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { text: line };
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
