/** Every way in which a network fails, one after the other, during pushes and pulls: each change arrives once. */
import { assert, until } from "../lib/until.mjs";

const PUSH = /\/sync\/v1\/push/;
const PULL = /\/sync\/v1\/(changes|snapshot)/;
const HTML = { "content-type": "text/html" };
const PORTAL = "<html><body>Please sign in to this hotspot</body></html>";

/** @type {{ name: string, rule: Partial<import("../lib/proxy.mjs").Rule> }[]} */
const FAULTS = [
  { name: "a refused connection", rule: { fault: "refuse" } },
  { name: "a lost answer", rule: { fault: "lose-answer" } },
  { name: "half an answer", rule: { fault: "half" } },
  { name: "a slow answer", rule: { delay: 1500 } },
  { name: "500", rule: { answer: { status: 500, body: "oops" } } },
  { name: "429 of a proxy", rule: { answer: { status: 429, headers: { "retry-after": "1" }, body: "slow down" } } },
  { name: "401 of a proxy", rule: { answer: { status: 401, headers: HTML, body: PORTAL } } },
  { name: "200 of a captive portal", rule: { answer: { status: 200, headers: HTML, body: PORTAL } } },
  { name: "403 of a firewall", rule: { answer: { status: 403, headers: HTML, body: PORTAL } } },
  { name: "503 of a gateway", rule: { answer: { status: 503, headers: HTML, body: PORTAL } } },
  { name: "a redirect", rule: { answer: { status: 302, headers: { location: "/hotspot" } } } },
  { name: "JSON of somebody else", rule: { answer: { status: 200, headers: { "content-type": "application/json" }, body: '{"results":[]}' } } },
  { name: "a list that does not fit", rule: { rewrite: (answer) => ({ ...answer, results: [] }) } },
];

/** @type {import("../run.mjs").Story} */
export default {
  title: "every way in which a network fails, and each change arrives once",
  limitMs: 300_000,
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    for (const [number, { name, rule }] of FAULTS.entries()) {
      world.step(name);
      world.proxy.rule({ ...rule, path: PUSH, times: 2 });
      if (!rule.rewrite) world.proxy.rule({ ...rule, path: PULL, times: 1 });
      const made = await budi.must((sync, name) => sync.customers.create({ name }).then((/** @type {any} */ made) => made.id), `Net ${number}`);
      await until("the fault happened", () => world.proxy.requests(PUSH).some((seen) => JSON.stringify(seen.body)?.includes(made)));
      const status = await budi.status();
      assert.notEqual(status.state, "failed", `${name} is nobody's failure`);
      await until("it is sent", async () => {
        await budi.must((sync) => sync.sync().then(() => {}));
        const { state, pending } = await budi.status();
        return state === "synced" && pending === 0;
      }, 30_000, 300);
      world.proxy.clear();
    }
    const api = await world.api("budi");
    const records = (await api.records()).filter((entry) => String(entry.fields.name).startsWith("Net "));
    assert.equal(records.length, FAULTS.length);
    assert.ok(records.every((entry) => entry.version === 1), "each was applied once");
  },
};
