/**
 * What the library's worker answers in somebody else's app: the library's files from this version, the app's own pages and
 * files from the network, and as they were last seen where there is none.
 */
import { PrecacheRoute } from "workbox-precaching";
import { Router } from "workbox-routing";
import { NetworkFirst } from "workbox-strategies";
import { precache } from "./precache.js";
import { SERVER_PATHS } from "./server-paths.js";

const CACHE = "fieldsync-app";
const NETWORK_WITHIN_S = 4;
const STATIC = new Set(["document", "script", "style", "image", "font", "manifest"]);

const router = new Router();
router.registerRoute(new PrecacheRoute(precache));
const asLastSeen = new NetworkFirst({ cacheName: CACHE, networkTimeoutSeconds: NETWORK_WITHIN_S });

/** @param {any} event */
export function install(event) {
  precache.install(event);
}

/** @param {any} event */
export function activate(event) {
  precache.activate(event);
  event.waitUntil(/** @type {any} */ (self).clients.claim());
}

/** @param {any} event */
export function answer(event) {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || SERVER_PATHS.test(url.pathname)) return;
  const response = router.handleRequest({ event, request });
  if (response) event.respondWith(response);
  else if (request.method === "GET" && STATIC.has(request.destination))
    event.respondWith(asLastSeen.handle({ event, request }));
}

/**
 * What a page loaded before it had a worker: without this, the first reload offline would find nothing.
 * @param {string[]} urls
 */
export async function keep(urls) {
  const cache = await caches.open(CACHE);
  const ours = urls
    .map((url) => new URL(url))
    .filter(({ origin, pathname }) => origin === location.origin && !SERVER_PATHS.test(pathname));
  await Promise.allSettled(ours.map((url) => cache.add(url.href)));
}
