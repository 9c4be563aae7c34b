/**
 * The page's side of the service worker: registering it, and taking a new version when the user says so.
 */

/** The messages that a worker knows. */
export const SKIP_WAITING = "fieldsync-skip-waiting";
/** With `urls`: only the library's worker listens; the app's own has its files from the build. */
export const KEEP = "fieldsync-keep";

const KEPT_KINDS = new Set(["script", "link", "css", "img"]);

/**
 * @param {string | URL} url
 * @param {() => void} onUpdateReady A new version waits for the old pages to go.
 * @returns {Promise<ServiceWorkerRegistration | undefined>} Undefined where there are no workers: private windows, plain http.
 */
export async function registerWorker(url, onUpdateReady) {
  if (!navigator.serviceWorker) return undefined;
  try {
    const registration = await navigator.serviceWorker.register(url, { updateViaCache: "none" });
    if (!navigator.serviceWorker.controller) void tellWhatWasLoaded();
    const look = () => {
      if (registration.waiting && navigator.serviceWorker.controller) onUpdateReady();
    };
    look();
    if (navigator.serviceWorker.controller) {
      // Another tab took the new version: this one still runs the old files.
      navigator.serviceWorker.addEventListener("controllerchange", () => onUpdateReady(), { once: true });
    }
    registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
    return registration;
  } catch (error) {
    console.warn("fieldsync: no service worker, so the app needs a connection to start", error);
    return undefined;
  }
}

/** This page came without the worker: it is told what the page is made of. */
async function tellWhatWasLoaded() {
  const { active } = await navigator.serviceWorker.ready;
  const resources = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType("resource"));
  const urls = resources
    .filter(({ initiatorType }) => KEPT_KINDS.has(initiatorType) || initiatorType === "other")
    .map(({ name }) => name);
  active?.postMessage({ type: KEEP, urls: [location.href, ...urls] });
}

/** Lets the waiting worker take over, and reloads once. */
export async function takeUpdate() {
  const registration = await navigator.serviceWorker?.getRegistration();
  if (!registration?.waiting) return location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  registration.waiting.postMessage({ type: SKIP_WAITING });
}
