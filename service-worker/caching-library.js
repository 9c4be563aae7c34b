/**
 * What the library's worker answers in somebody else's app: the library's files from this version, the app's own pages and
 * files from the network, and as they were last seen where there is none.
 */
import { PrecacheRoute } from "workbox-precaching";
import { Router } from "workbox-routing";
import { NetworkFirst } from "workbox-strategies";
import { precache } from "./precache.js";
import { SERVER_PATHS } from "./server-paths.js";

const NETWORK_WITHIN_S = 4;
const STATIC = new Set(["document", "script", "style", "image", "font", "manifest"]);

const router = new Router();
router.registerRoute(new PrecacheRoute(precache));
const asLastSeen = new NetworkFirst({ cacheName: "fieldsync-app", networkTimeoutSeconds: NETWORK_WITHIN_S });

/** @param {any} event */
export function install(event) {
  precache.install(event);
}

/** @param {any} event */
export function activate(event) {
  precache.activate(event);
  event.waitUntil(Promise.all([/** @type {any} */ (self).clients.claim(), keepOpenPages()]));
}

/** @param {any} event */
export function answer(event) {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || SERVER_PATHS.test(url.pathname)) return;
  const response = router.handleRequest({ event, request });
  if (response) event.respondWith(response);
  else if (request.method === "GET" && STATIC.has(request.destination)) event.respondWith(asLastSeen.handle({ event, request }));
}

/** The pages that are open were loaded before there was a worker: without this, the first reload offline would find nothing. */
async function keepOpenPages() {
  const pages = await /** @type {any} */ (self).clients.matchAll({ type: "window", includeUncontrolled: true });
  const cache = await caches.open("fieldsync-app");
  await Promise.allSettled(pages.map((/** @type {{ url: string }} */ page) => cache.add(page.url)));
}
