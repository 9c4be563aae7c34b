/** The moment from which a drain is measured: the browser says that the network is back. */

/** Times `work` from the event `online`; heard before any library hears it. @param {() => Promise<void>} work @returns {Promise<number>} */
export function fromOnline(work) {
  return new Promise((resolve, reject) => {
    const heard = () => {
      const begun = performance.now();
      work().then(() => resolve(performance.now() - begun), reject);
    };
    addEventListener("online", heard, { once: true, capture: true });
  });
}
