/**
 * The service worker's event table. All listeners are registered at once and synchronously: a worker that is woken for an
 * event must have its listener before its script ends, and wasm loads too late for that.
 */
import { sendInBackground, pullInBackground } from "./background-sync.js";
import { activate, answer, install } from "./caching.js";
import { SKIP_WAITING } from "../www/fieldsync/worker-bridge.js";
import { TAG } from "../www/fieldsync/triggers.js";

const worker = /** @type {any} */ (self);

worker.addEventListener("install", install);
worker.addEventListener("activate", activate);
worker.addEventListener("fetch", answer);
worker.addEventListener("message", (/** @type {any} */ event) => event.data?.type === SKIP_WAITING && worker.skipWaiting());
worker.addEventListener("sync", (/** @type {any} */ event) => event.tag === TAG && event.waitUntil(sendInBackground(event)));
worker.addEventListener("periodicsync", (/** @type {any} */ event) => event.waitUntil(pullInBackground()));
