/**
 * The page's side of the service worker: registering it, and taking a new version when the user says so.
 */

/** The one message that the worker knows. */
export const SKIP_WAITING = "fieldsync-skip-waiting";

/**
 * @param {string | URL} url
 * @param {() => void} onUpdateReady A new version waits for the old pages to go.
 * @returns {Promise<ServiceWorkerRegistration | undefined>} Undefined where there are no workers: private windows, plain http.
 */
export async function registerWorker(url, onUpdateReady) {
  if (!navigator.serviceWorker) return undefined;
  try {
    const registration = await navigator.serviceWorker.register(url, { updateViaCache: "none" });
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

/** Lets the waiting worker take over, and reloads once. */
export async function takeUpdate() {
  const registration = await navigator.serviceWorker?.getRegistration();
  if (!registration?.waiting) return location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  registration.waiting.postMessage({ type: SKIP_WAITING });
}
