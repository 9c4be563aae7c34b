/** Story 7: 401 in the middle. Nothing is lost; another user on the same browser sends nothing of the first. */
import { readFileSync } from "node:fs";
import { assert, sleep } from "../lib/until.mjs";

/** @type {import("../run.mjs").Story} */
export default {
  title: "401 in the middle: nothing is lost, and another user sends nothing of the first",
  // Tokens that end at once: what counts is the cookie, and that goes.
  options: async () => ({ extra: ["--access-token-secs", "2"] }),
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    const before = await (await world.api("budi")).records();
    await world.proxy.unplug();
    for (const number of [1, 2, 3]) await budi.createCustomer({ name: `PT Xenokrat ${number}` });
    await budi.says(/^Offline – 3 records saved on this phone/);

    world.step("the session is gone when the connection returns");
    await device.context.clearCookies();
    await sleep(2_500); // The token in memory ends, too.
    await world.proxy.replug();
    await budi.page.evaluate(() => dispatchEvent(new Event("online")));
    await budi.says(/^Sign in to finish sending – 3 records are safe on this phone/);
    await budi.load("/customers");
    await budi.says(/^Sign in to finish sending – 3 records are safe on this phone/);
    assert.equal(await budi.found("PT Xenokrat"), 3, "the app stays open, and shows them");

    world.step("somebody else signs in");
    await budi.pressBar();
    await budi.fillSignIn("sari");
    await budi.upToDate();
    assert.equal(await budi.found("PT Xenokrat"), 0, "another user sees nothing of it");
    assert.equal((await (await world.api("budi")).records()).length, before.length, "and sends nothing of it");
    assert.equal((await (await world.api("sari")).customersNamed("PT Xenokrat 1")).length, 0);

    world.step("the first signs in again");
    await budi.load("/sign-in");
    await budi.fillSignIn("budi");
    await budi.upToDate();
    assert.equal(await budi.found("PT Xenokrat"), 3);
    const now = await (await world.api("budi")).records();
    const sent = now.filter((entry) => String(entry.fields.name).startsWith("PT Xenokrat"));
    assert.deepEqual(sent.map((entry) => entry.version), [1, 1, 1], "all is sent, once");
    assert.equal(now.length, before.length + 3);

    world.step("a sign-out with unsent work asks what is to become of it");
    await world.proxy.unplug();
    await budi.createCustomer({ name: "PT Pamit" });
    await budi.go("Settings");
    const leave = budi.page.getByRole("button", { name: "Sign out", exact: true });
    const dialog = budi.page.getByRole("dialog");
    await leave.click();
    assert.match(await dialog.innerText(), /Keep on this phone\s+Sent when you sign in again here/);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await leave.click();
    await dialog.getByRole("button", { name: /^Send now/ }).click();
    await budi.page.locator(".toasts").getByText("Not everything could be sent: you are still signed in").waitFor();
    await leave.click();
    const saved = budi.page.waitForEvent("download");
    await dialog.getByRole("button", { name: /^Save as a file/ }).click();
    assert.match(readFileSync(await (await saved).path(), "utf8"), /PT Pamit/, "the file has it");
    await budi.page.getByLabel("Password").waitFor();
    assert.equal(await budi.page.getByText("PT Pamit").count(), 0, "nobody's data is shown");
    await world.proxy.replug();
    await budi.fillSignIn("budi");
    await budi.upToDate();
    assert.equal((await (await world.api("budi")).customersNamed("PT Pamit")).length, 1, "kept, and sent once");
  },
};
