/**
 * What the app's worker answers itself: the files of this version, and every page of the app with its one document.
 * Everything else, above all the server's own paths, goes to the network as if there were no worker.
 */
import { PrecacheRoute } from "workbox-precaching";
import { NavigationRoute, Router } from "workbox-routing";
import { precache } from "./precache.js";
import { SERVER_PATHS } from "./server-paths.js";

const router = new Router();
router.registerRoute(new PrecacheRoute(precache, { ignoreURLParametersMatching: [/^source$/, /^utm_/] }));
router.registerRoute(
  new NavigationRoute(precache.createHandlerBoundToURL("index.html"), { denylist: [SERVER_PATHS, /\.[a-z0-9]+$/] }),
);

/** @param {any} event */
export function install(event) {
  precache.install(event); // It calls `waitUntil` itself.
}

/** @param {any} event */
export function activate(event) {
  precache.activate(event);
  event.waitUntil(/** @type {any} */ (self).clients.claim());
}

/** @param {any} event */
export function answer(event) {
  if (SERVER_PATHS.test(new URL(event.request.url).pathname)) return;
  const response = router.handleRequest({ event, request: event.request });
  if (response) event.respondWith(response);
}
