/** A new version of the worker waits, the app says so, and takes it when asked. */
import { assert, until } from "../lib/until.mjs";

/** @type {import("../run.mjs").Story} */
export default {
  title: "a new version offers “reload”, and takes over without losing anything",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    await budi.load("/customers"); // Now the worker serves the page.
    const response = await fetch(`${world.origin}/sw.js`);
    const headers = Object.fromEntries(["content-type", "content-security-policy"].map((name) => [name, response.headers.get(name) ?? ""]));
    const body = `${await response.text()}\n// A new version.\n`;
    world.proxy.rule({ path: /^\/sw\.js/, answer: { status: 200, headers, body } });
    await budi.createCustomer({ name: "PT Versi Baru" });
    await budi.upToDate();

    const before = await budi.page.evaluate(() => performance.timeOrigin);
    await budi.page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
    await budi.says(/^A new version is ready – reload/);
    await budi.pressBar();
    await until("the page was loaded again", async () => (await budi.page.evaluate(() => performance.timeOrigin)) !== before);
    await until("the new worker serves it", () =>
      budi.page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return !registration?.waiting && registration?.active === navigator.serviceWorker.controller;
      }));
    assert.equal(await budi.found("PT Versi Baru"), 1);
    await budi.upToDate();
    assert.equal((await (await world.api("budi")).customersNamed("PT Versi Baru")).length, 1);

    world.step("the new one serves it without a server, too");
    await world.stopServer();
    await budi.load("/customers");
    assert.equal(await budi.found("PT Versi Baru"), 1);
  },
};
