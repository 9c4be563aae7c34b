/** The app lives under the policy of the specification, on every page, and complains of nothing. */
import { assert, sleep } from "../lib/until.mjs";

const POLICY = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'",
  "worker-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
];

/** @type {import("../run.mjs").Story} */
export default {
  title: "a strict policy on every page, and nothing in the console",
  async run(world) {
    for (const path of ["/", "/customers", "/sw.js", "/app.js"]) {
      const { headers } = await fetch(world.origin + path);
      const policy = (headers.get("content-security-policy") ?? "").split(";").map((part) => part.trim()).filter(Boolean);
      assert.deepEqual(policy.sort(), [...POLICY].sort(), path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    }
    const device = await world.device();
    await device.context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    const budi = await world.signedIn(device, "budi");
    const id = await budi.createCustomer({ name: "PT Kebijakan" });
    await budi.upToDate();
    const pages = ["/", "/customers", "/customers/new", `/customers/${id}`, `/customers/${id}/edit`, "/pipeline", `/activities/new?customer=${id}`, "/sync", "/settings"];
    for (const path of pages) {
      await budi.load(path);
      await budi.page.locator("main").waitFor();
      await sleep(300);
    }
    assert.deepEqual(device.troubles, []);
  },
};
