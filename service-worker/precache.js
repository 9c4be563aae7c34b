/** The files that came with this version: fetched when the worker is installed, swapped as a whole when it takes over. */
import { PrecacheController } from "workbox-precaching";

export const precache = new PrecacheController();

// The list is written here by the build.
precache.addToCacheList(/** @type {any} */ (self).__WB_MANIFEST);

/** The engine's bytes: a worker's own `fetch` does not pass its own fetch handler, so they are read from the cache. */
export function precachedEngine() {
  return precache.matchPrecache("fieldsync/wasm/fieldsync_bg.wasm");
}
