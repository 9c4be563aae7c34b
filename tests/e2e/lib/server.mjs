/** The real server, as a process: started, asked to stop, or killed. Its data outlives it. */
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { until } from "./until.mjs";

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;
/** Twenty sign-ins in a minute are a story here, not an attack. */
const NO_LIMITS = ["--sign-ins-per-minute", "10000", "--requests-per-minute", "100000"];

/** @typedef {{ program: string, app: string, data: string, origins?: string[], demo?: boolean, extra?: string[] }} Options */

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

  /** Its data folder's name. */
  get name() {
    return basename(this.#options.data);
  }

  /** The same, with other data. @param {string} data */
  beside(data) {
    return new Server({ ...this.#options, data });
  }

  get running() {
    return this.#process !== undefined;
  }

  async start() {
    const { program, app, data, origins = [], demo = true, extra = [] } = this.#options;
    const args = ["serve", "--data", data, "--port", "0", "--app", app, "--test-hooks", ...NO_LIMITS, ...extra];
    if (demo) args.push("--demo");
    for (const origin of origins) args.push("--origin", origin);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, RUST_LOG: "info" } });
    this.#process = child;
    this.port = 0;
    createInterface({ input: child.stdout }).on("line", (line) => (this.port ||= Number(/listening on .*:(\d+)/.exec(line)?.[1] ?? 0)));
    createInterface({ input: child.stderr }).on("line", (line) => this.log.push(parsed(line)));
    child.once("exit", () => (this.#process = this.#process === child ? undefined : this.#process));
    await until(`the server listens`, () => this.port || !this.running, START_MS_MAX);
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
