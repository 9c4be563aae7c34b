/**
 * Wakes the other contexts of this server and user. A message only wakes: what changed is read again from the database,
 * so a lost or doubled message does no harm.
 */

/**
 * @param {string} name
 * @param {(message: object | undefined) => void} onWake
 */
export function openChannel(name, onWake) {
  if (typeof BroadcastChannel === "undefined") return { post() {}, close() {} };
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event) => onWake(event.data?.wake);
  return {
    /** @param {object} message */
    post(message) {
      channel.postMessage({ wake: message });
    },
    close() {
      channel.onmessage = null;
      channel.close();
    },
  };
}
