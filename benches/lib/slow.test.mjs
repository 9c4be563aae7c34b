import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { farAway } from "./slow.mjs";

test("a line of 3G takes its time and changes nothing", async () => {
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
  const server = createServer((_, response) => response.end(body));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const stop = async () => void server.close();
  const far = await farAway({ origin: `http://127.0.0.1:${port}`, port, stop });
  const begun = performance.now();
  const both = await Promise.all([0, 1].map(async () => Buffer.from(await (await fetch(far.origin)).arrayBuffer())));
  const took = performance.now() - begun;
  await far.stop();
  assert.ok(both.every((bytes) => bytes.equals(body)));
  // 200,000 bytes at 200 a millisecond, which both share; and a connection and a request there and back.
  assert.ok(took > 1290, `${took} ms`);
});
