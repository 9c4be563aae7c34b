/** A new version of the worker waits, the app says so, and takes it when asked; what is unsent stays. */
import { assert, until } from "../lib/until.mjs";

/** @type {import("../run.mjs").Story} */
export default {
  title: "a new version offers “reload”, and unsent work stays",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    await budi.load("/customers"); // Now the worker serves the page.
    const response = await fetch(`${world.origin}/sw.js`);
    const headers = Object.fromEntries(["content-type", "content-security-policy"].map((name) => [name, response.headers.get(name) ?? ""]));
    const body = `${await response.text()}\n// A new version.\n`;
    world.proxy.rule({ path: /\/sync\/v1\/push/, fault: "refuse" });
    world.proxy.rule({ path: /^\/sw\.js/, answer: { status: 200, headers, body } });
    await budi.createCustomer({ name: "PT Versi Baru" });

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
    assert.equal((await (await world.api("budi")).customersNamed("PT Versi Baru")).length, 0, "it was not sent meanwhile");
    world.proxy.clear();
    await budi.page.evaluate(() => dispatchEvent(new Event("online")));
    await budi.upToDate();
    assert.equal((await (await world.api("budi")).customersNamed("PT Versi Baru")).length, 1);
  },
};
