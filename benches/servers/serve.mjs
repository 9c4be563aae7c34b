/** Listens on a free port of this machine, says which, and ends with whoever started it. */

/** @param {import("express").Express} app */
export function serve(app) {
  const server = app.listen(0, "127.0.0.1", () => {
    console.log(`listening on ${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`);
  });
  // The other end of this pipe is closed when that process is gone, however it went.
  process.stdin.resume().on("end", () => process.exit());
}
