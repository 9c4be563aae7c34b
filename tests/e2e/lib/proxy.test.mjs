/** The bad network does what it says: a story that rests on a fault that did not happen proves nothing. */
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { Proxy } from "./proxy.mjs";

let hits = 0;
const server = http.createServer((request, response) => {
  hits += 1;
  response.setHeader("content-type", "application/json").end(JSON.stringify({ url: request.url, words: "x".repeat(4000) }));
});
/** @type {Proxy} */
let proxy;

before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  proxy = await Proxy.start();
  const address = server.address();
  if (address && typeof address === "object") proxy.upstream = address.port;
});
after(async () => {
  await proxy.close();
  server.close();
});

const get = (path = "/a") => fetch(proxy.origin + path).then((response) => response.json());

test("passes and remembers", async () => {
  assert.equal((await get("/a?b=1")).url, "/a?b=1");
  assert.equal(proxy.requests(/^\/a/).length, 1);
  assert.equal(proxy.seen[0].answer.url, "/a?b=1");
});

test("refuses so many requests, and the server never hears of them", async () => {
  const before = hits;
  proxy.rule({ path: /^\/a/, times: 2, fault: "refuse" });
  await assert.rejects(get());
  await assert.rejects(get());
  assert.equal(hits, before);
  assert.equal((await get()).url, "/a");
  proxy.clear();
});

test("loses the answer after the server acted", async () => {
  const before = hits;
  proxy.rule({ path: /^\/a/, after: 1, times: 1, fault: "lose-answer" });
  await get();
  await assert.rejects(get());
  assert.equal(hits, before + 2);
  proxy.clear();
});

test("cuts the answer half way", async () => {
  proxy.rule({ path: /^\/a/, fault: "half" });
  const response = await fetch(`${proxy.origin}/a`);
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
  proxy.clear();
});

test("answers in the server's place", async () => {
  proxy.rule({ path: /^\/a/, answer: { status: 429, headers: { "retry-after": "7" }, body: "<p>slow</p>" } });
  const response = await fetch(`${proxy.origin}/a`);
  assert.deepEqual([response.status, response.headers.get("retry-after"), await response.text()], [429, "7", "<p>slow</p>"]);
  proxy.clear();
});

test("rewrites an answer", async () => {
  proxy.rule({ path: /^\/a/, rewrite: (answer) => ({ ...answer, url: "/other" }) });
  assert.equal((await get()).url, "/other");
  proxy.clear();
});

test("holds the answer back until it is let go", async () => {
  /** @type {(value?: unknown) => void} */
  let letGo = () => {};
  proxy.rule({ path: /^\/a/, hold: new Promise((resolve) => (letGo = resolve)) });
  const early = await Promise.race([get().then(() => "answered"), new Promise((resolve) => setTimeout(resolve, 100, "waiting"))]);
  assert.equal(early, "waiting");
  letGo();
  proxy.clear();
});

test("unplugged, it refuses and cuts what is open; plugged in, it has the same port", async () => {
  const { port } = proxy;
  proxy.rule({ path: /^\/slow/, delay: 1000 });
  const open = assert.rejects(get("/slow"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await proxy.unplug();
  await open;
  await assert.rejects(get());
  await proxy.replug();
  assert.equal(proxy.port, port);
  assert.equal((await get()).url, "/a");
});
