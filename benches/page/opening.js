/** An app that opens: the library that the fragment names, and its first rows; `firstRowsAt` is their time since the navigation. */

/** @returns {Promise<number>} */
async function opening() {
  /** @type {{ start(): Promise<unknown> }} */
  const side = await import(`/bench/${location.hash.slice(1)}.js`);
  await side.start();
  return performance.now();
}
Object.assign(globalThis, { firstRowsAt: opening() });
