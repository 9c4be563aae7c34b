/** The world of one story: its own server with its own data, a bad network in front of it, and as many devices as it needs. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Api } from "./api.mjs";
import { App } from "./app.mjs";
import { Device } from "./browser.mjs";
import { Harness, HARNESS_HTML, HARNESS_PATH } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";

/** @typedef {{ server: string, app: string, chromium: string, out: string }} Places */
/** @typedef {{ width?: number, height?: number, locale?: string, phone?: boolean }} Screen */

export class World {
  /** @type {Device[]} */
  devices = [];
  /** What the story did, for the report of a failure. @type {string[]} */
  steps = [];
  #places;
  #folder;
  /** @type {Map<string, Server>} */
  #others = new Map();
  #begun = Date.now();

  /** @param {Places} places @param {string} name @param {Proxy} proxy @param {Server} server @param {string} folder */
  constructor(places, name, proxy, server, folder) {
    this.#places = places;
    this.#folder = folder;
    this.name = name;
    this.proxy = proxy;
    this.server = server;
  }

  /** @param {Places} places @param {string} name @param {{ origins?: string[], extra?: string[] }} [options] */
  static async create(places, name, { origins = [], extra = [] } = {}) {
    const folder = join(places.out, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const proxy = await Proxy.start();
    const server = new Server({ program: places.server, app: places.app, data: join(folder, "data"), origins: [proxy.origin, ...origins], extra });
    const world = new World(places, name, proxy, server, folder);
    proxy.page(HARNESS_PATH, HARNESS_HTML);
    return world;
  }

  get origin() {
    return this.proxy.origin;
  }

  /** Where a story leaves files. */
  get folder() {
    return this.#folder;
  }

  /** The built app's folder. */
  get app() {
    return this.#places.app;
  }

  /** @param {string} text */
  step(text) {
    this.steps.push(`${((Date.now() - this.#begun) / 1000).toFixed(1)} s  ${text}`);
  }

  /** Starts the server, for the first time or again with the same data. */
  async startServer() {
    this.step("the server starts");
    await this.server.start();
    this.proxy.upstream = this.server.port;
  }

  /** The server dies, and so does every connection to it. */
  async stopServer() {
    this.step("the server stops");
    await this.server.stop();
    this.proxy.upstream = undefined;
    await this.proxy.unplug();
  }

  /** The server comes back at the same address. */
  async returnServer() {
    await this.startServer();
    await this.proxy.replug();
  }

  /** Another server takes the address, with data of its own: "data" is the first one. @param {string} name */
  async putServer(name) {
    if (this.server.running) await this.stopServer();
    const found = this.#others.get(name) ?? this.server.beside(join(this.#folder, name));
    this.#others.set(this.server.name, this.server).set(name, found);
    this.step(`${name} is the server now`);
    this.server = found;
    await this.returnServer();
  }

  /** A browser with an empty profile. @param {string} [name] @param {Screen} [screen] */
  async device(name = "device", screen = {}) {
    const folder = join(this.#folder, name);
    const device = new Device({ executable: this.#places.chromium, folder, ...screen });
    this.devices.push(device);
    this.step(`${name} starts`);
    return device.start();
  }

  /** The demo CRM on a device, signed in. @param {Device} device @param {string} username */
  async signedIn(device, username) {
    const app = new App(await device.page(), this.origin);
    await app.signIn(username);
    this.step(`${username} signed in`);
    return app;
  }

  /** The demo CRM on a device whose user signed in before. @param {Device} device @param {string} [path] */
  async resumed(device, path = "/") {
    const app = new App(await device.page(), this.origin);
    this.step(`the app is opened again at ${path}`);
    return app.load(path);
  }

  /** The library on a page of its own, signed in. @param {Device} device @param {string} username @param {{ worker?: boolean, again?: boolean }} [options] */
  async harness(device, username, options) {
    const page = await device.newPage(this.origin + HARNESS_PATH);
    const harness = new Harness(page, this.origin);
    await harness.open(username, options);
    this.step(`${username} opened the library`);
    return harness;
  }

  /** The server, asked as this user, past the proxy. @param {string} username */
  api(username) {
    return new Api(this.server.port, username).signIn();
  }

  /** Leaves what helps to understand a failure. */
  async report() {
    for (const [index, device] of this.devices.entries()) {
      const pages = device.open ? device.context.pages() : [];
      for (const [number, page] of pages.entries()) {
        const path = join(this.#folder, `device-${index}-page-${number}.png`);
        await page.screenshot({ path, timeout: 5000 }).catch(() => {});
      }
    }
    const write = (/** @type {string} */ file, /** @type {any} */ value) =>
      writeFileSync(join(this.#folder, file), typeof value === "string" ? value : JSON.stringify(value, null, 1));
    write("steps.txt", this.steps.join("\n"));
    write("server.json", this.server.log);
    write("requests.json", this.proxy.seen.map(({ headers, answer, ...seen }) => ({ ...seen, answer: JSON.stringify(answer)?.slice(0, 2000) })));
    write("troubles.json", this.devices.map((device) => device.troubles));
  }

  async close() {
    for (const device of this.devices) await device.close().catch(() => {});
    await this.server.stop();
    await this.proxy.close();
    for (const [index] of this.devices.entries()) this.devices[index].forget();
  }
}
