/** Bad input gets a clear typed error, and nothing is lost by it: on the device, and at the server. */
import { uuid7 } from "../lib/api.mjs";
import { assert, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;

/** @typedef {import("../lib/harness.mjs").Harness} Harness */
/** @typedef {import("../lib/api.mjs").Api} Api */

/** @param {Harness} sync @param {string[]} codes @param {(sync: any, argument: any) => any} work @param {any} [argument] */
async function refused(sync, codes, work, argument) {
  const result = await sync.run(work, argument);
  assert.ok(result?.error, `must be refused: ${work}`);
  assert.equal(result.error.name, "SyncError", `${work}: ${JSON.stringify(result.error)}`);
  assert.ok(codes.includes(result.error.code), `${work}: code ${result.error.code} is none of ${codes}`);
  assert.ok(result.error.message, "says why");
  return result.error;
}

/** @param {Harness} budi */
async function onTheDevice(budi) {
  const invalid = ["invalid"];
  await refused(budi, ["invalid", "not-found"], (sync) => sync.collection("nonsense").create({ name: "x" }));
  const unknown = await refused(budi, invalid, (sync) => sync.customers.create({ name: "x", nonsense: 1 }));
  assert.equal(unknown.field, "nonsense");
  const type = await refused(budi, invalid, (sync) => sync.customers.create({ name: 7 }));
  assert.equal(type.field, "name");
  const rule = (/** @type {any} */ { field, violations }) => [field, violations?.[0].rule];
  // JSON would say null, which clears the field; and a larger whole number may stand for its neighbour.
  const nan = await refused(budi, invalid, (sync) => sync.customers.create({ name: "x", visits: Number.NaN }));
  assert.deepEqual(rule(nan), ["visits", "type"]);
  const inside = await refused(budi, invalid, (sync) => sync.customers.create({ name: "x", tags: [{ far: Infinity }] }));
  assert.deepEqual(rule(inside), ["tags", "type"]);
  const large = await refused(budi, invalid, (sync) => sync.customers.create({ name: "x", last_visit: 2 ** 53 }));
  assert.deepEqual(rule(large), ["last_visit", "precision"]);
  const big = await refused(budi, invalid, (sync) => sync.customers.create({ name: "x", tags: [2n ** 53n + 1n] }));
  assert.deepEqual(rule(big), ["tags", "precision"]);
  await refused(budi, invalid, (sync) => sync.customers.create({ name: "x" }, { id: "not-a-uuid" }));
  await refused(budi, invalid, (sync) => sync.customers.create({ name: "x" }, { row: "not-a-uuid" }));
  await refused(budi, ["too-large", "invalid"], (sync) => sync.customers.create({ name: "x", tags: Array(2000).fill("0123456789abcdef") }));
  await refused(budi, invalid, (sync) => sync.customers.list({ where: { nonsense: 1 } }));
  await refused(budi, invalid, (sync) => sync.customers.create(undefined));
  const status = await budi.status();
  assert.equal(status.pending, 0, "nothing bad was saved");
}

/** @param {Api} api */
async function atTheServer(api) {
  const post = (/** @type {any} */ body, /** @type {Record<string, string>} */ headers = {}) => api.request("POST", "/sync/v1/push", body, headers);
  const malformed = await post("{ not json");
  assert.deepEqual([malformed.status, malformed.json.code, malformed.json.retryable], [400, "malformed", false]);
  assert.ok(malformed.json.server_epoch, "even an error says whose it is");
  const odd = await post(JSON.stringify({ parcels: 7 }));
  assert.equal(odd.status, 400);
  const text = await post("x", { "content-type": "text/plain" });
  assert.ok([400, 415].includes(text.status), `text: ${text.status}`);
  const huge = await post(JSON.stringify({ padding: "x".repeat(2 * 1024 * 1024) }));
  assert.equal(huge.status, 413);
  assert.equal((await api.request("GET", "/sync/v1/changes?cursor=nonsense&schema=1&limit=10")).status, 410);
  assert.equal((await api.request("GET", "/sync/v1/changes?schema=1")).status, 400);
  const old = await api.request("GET", "/sync/v1/snapshot?collections=customers&schema=0&limit=10");
  assert.deepEqual([old.status, old.json.code], [426, "outdated"]);
  assert.equal((await api.request("GET", "/sync/v1/nonsense")).status, 404);
}

/** @param {Api} api */
async function parcels(api) {
  const item = (/** @type {any} */ fields) => ({ collection: "customers", id: uuid7(), action: "create", base_version: 0, patch: { name: "x" }, seen: {}, edited_at: Date.now(), ...fields });
  const code = async (/** @type {any} */ fields) => {
    const { status, result, json } = await api.push([item(fields)]);
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(result.outcome, "rejected", JSON.stringify(result));
    return result.problem.code;
  };
  assert.equal(await code({ collection: "nonsense" }), "validation");
  assert.equal(await code({ patch: { name: "x", nonsense: 1 } }), "validation");
  assert.equal(await code({ patch: { name: 7 } }), "validation");
  assert.equal(await code({ patch: {} }), "validation");
  assert.ok(["too-large", "validation"].includes(await code({ patch: { name: "x", notes: "x".repeat(30 * 1024) } })));
  const op = uuid7();
  const first = await api.push([item({ patch: { name: "Once" } })], { op });
  assert.equal(first.result.outcome, "applied");
  const other = await api.push([item({ patch: { name: "Twice" } })], { op });
  assert.deepEqual([other.result.outcome, other.result.problem.code], ["rejected", "op-id-reused"]);
  assert.equal((await api.customersNamed("Twice")).length, 0);
}

/** The library meets answers that do not fit. @param {import("../lib/world.mjs").World} world @param {Harness} budi */
async function answersThatDoNotFit(world, budi) {
  /** @type {[string, (answer: any) => any][]} */
  const wrong = [
    ["too few results", (answer) => ({ ...answer, results: [] })],
    ["a result of another parcel", (answer) => ({ ...answer, results: answer.results.map((/** @type {any} */ one) => ({ ...one, op_id: uuid7() })) })],
    ["an outcome that nobody knows", (answer) => ({ ...answer, results: answer.results.map((/** @type {any} */ { op_id }) => ({ op_id, outcome: "blessed" })) })],
    ["no epoch", ({ server_epoch, ...answer }) => answer],
    ["another user's answer", (answer) => ({ ...answer, user: uuid7() })],
  ];
  for (const [number, [what, rewrite]] of wrong.entries()) {
    world.step(what);
    world.proxy.rule({ path: PUSH, times: 1, rewrite });
    await budi.must((sync, number) => sync.customers.create({ name: `Fit ${number}` }).then(() => {}), number);
    await until("it is sent all the same", async () => {
      await budi.must((sync) => sync.sync().then(() => {}));
      return (await budi.status()).pending === 0;
    }, 30_000, 300);
    const found = await (await world.api("budi")).customersNamed(`Fit ${number}`);
    assert.deepEqual(found.map((entry) => entry.version), [1], what);
  }
}

/** The server asks for a newer app. @param {import("../lib/world.mjs").World} world @param {Harness} budi */
async function outdated(world, budi) {
  const { json } = await (await world.api("budi")).request("GET", "/sync/v1/snapshot?collections=customers&schema=0&limit=10");
  const answer = { status: 426, headers: { "content-type": "application/problem+json" }, body: "" };
  const user = (await (await world.api("budi")).signIn()).user?.id;
  answer.body = JSON.stringify({ ...json, user });
  world.proxy.rule({ path: /\/sync\/v1\/(push|changes)/, answer });
  await budi.must((sync) => sync.customers.create({ name: "Outdated" }).then(() => {}));
  await until("the app says that it must be updated", async () => (await budi.status()).state === "outdated");
  assert.equal((await budi.status()).pending, 1, "and keeps the change");
  world.proxy.clear();
  await until("it is sent later", async () => {
    await budi.must((sync) => sync.sync().then(() => {}));
    return (await budi.status()).pending === 0;
  }, 30_000, 300);
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "bad input gets a clear typed error, and nothing is lost",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    world.step("on the device");
    await onTheDevice(budi);
    world.step("at the server");
    const api = await world.api("budi");
    await atTheServer(api);
    await parcels(api);
    await answersThatDoNotFit(world, budi);
    world.step("an outdated schema number");
    await outdated(world, budi);
  },
};
