/**
 * The event table of the library's worker, for somebody else's app: as sw.js, with that app's pages kept as last seen.
 * All listeners are registered at once and synchronously: a worker that is woken for an
 * event must have its listener before its script ends, and wasm loads too late for that.
 */
import { sendInBackground, pullInBackground } from "./background-sync.js";
import { activate, answer, install, keep } from "./caching-library.js";
import { KEEP, SKIP_WAITING } from "../www/fieldsync/worker-bridge.js";
import { TAG } from "../www/fieldsync/triggers.js";

const worker = /** @type {any} */ (self);

worker.addEventListener("install", install);
worker.addEventListener("activate", activate);
worker.addEventListener("fetch", answer);
worker.addEventListener("message", (/** @type {any} */ event) => event.data?.type === SKIP_WAITING && worker.skipWaiting());
worker.addEventListener(
  "message",
  (/** @type {any} */ event) => event.data?.type === KEEP && event.waitUntil(keep(event.data.urls)),
);
worker.addEventListener("sync", (/** @type {any} */ event) => event.tag === TAG && event.waitUntil(sendInBackground(event)));
worker.addEventListener("periodicsync", (/** @type {any} */ event) => event.waitUntil(pullInBackground()));
