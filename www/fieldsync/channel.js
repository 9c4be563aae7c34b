/**
 * Wakes the other contexts of this server and user. A message only wakes: what changed is read again from the database,
 * so a lost or doubled message does no harm.
 */

/** Messages within so long become one: a hundred saves in a row wake nobody a hundred times. */
const GATHER_MS = 20;

/**
 * A frozen page still gets messages, and reads nothing for them until it thaws: it would never hear that its transaction is done,
 * and an open one keeps every other tab and the worker from writing.
 * @param {string} name
 * @param {(message: object | undefined) => void} onWake
 */
export function openChannel(name, onWake) {
  if (typeof BroadcastChannel === "undefined") return { post() {}, close() {} };
  const channel = new BroadcastChannel(name);
  const stop = new AbortController();
  let frozen = false;
  /** The newest message of those that came while frozen. @type {{ wake?: object } | undefined} */
  let missed;
  /** The newest message that waits to be posted. @type {{ wake: object } | undefined} */
  let next;
  const post = () => {
    if (next) channel.postMessage(next);
    next = undefined;
  };
  channel.onmessage = ({ data }) => {
    if (frozen) missed = data ?? {};
    else onWake(data?.wake);
  };
  document.addEventListener("freeze", () => void (frozen = true), { signal: stop.signal });
  document.addEventListener(
    "resume",
    () => {
      frozen = false;
      if (missed) onWake(missed.wake);
      missed = undefined;
    },
    { signal: stop.signal },
  );
  return {
    /** @param {object} message */
    post(message) {
      if (!next) setTimeout(post, GATHER_MS);
      next = { wake: message };
    },
    close() {
      post();
      stop.abort();
      channel.onmessage = null;
      channel.close();
    },
  };
}
