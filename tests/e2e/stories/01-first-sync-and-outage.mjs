/** Story 1: first sync, then the server dies; work, reload, close, come back: everything arrives, once. */
import { assert } from "../lib/until.mjs";

/** @type {import("../run.mjs").Story} */
export default {
  title: "first sync, an outage, work, reload, restart: all three arrive, once",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    const api = await world.api("budi");
    const before = await api.records();
    const [edited, deleted] = before.filter((entry) => before.filter((other) => other.fields.name.startsWith(entry.fields.name)).length === 1);

    await world.stopServer();
    const created = await budi.createCustomer({ name: "PT Tanpa Sinyal", city: "Bogor", phone: "+62 811 2222" });
    await budi.editCustomer(edited.fields.name, { contact: "Ibu Luring" });
    await budi.deleteCustomer(deleted.fields.name);
    await budi.says(/^Offline – 3 records saved on this phone/);

    world.step("reload, without a server");
    await budi.load("/");
    await budi.says(/^Offline – 3 records saved on this phone/);
    assert.equal(await budi.found("PT Tanpa Sinyal"), 1);
    assert.equal(await budi.found(deleted.fields.name), 0);
    await budi.showCustomer(edited.id);
    await budi.shows("Contact person", "Ibu Luring");

    world.step("the browser is closed, and comes back with the server");
    await device.close();
    await world.returnServer();
    await device.start();
    const again = await world.resumed(device);
    await again.upToDate();
    assert.equal(await again.found("PT Tanpa Sinyal"), 1);

    const records = await (await world.api("budi")).records();
    assert.equal(records.length, before.length, "one more, one less");
    assert.equal(records.find((entry) => entry.id === created)?.version, 1, "created once");
    const now = records.find((entry) => entry.id === edited.id);
    assert.deepEqual([now?.fields.contact, now?.version], ["Ibu Luring", edited.version + 1], "edited once");
    assert.ok(!records.some((entry) => entry.id === deleted.id), "deleted");
  },
};
