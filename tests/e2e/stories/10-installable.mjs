/** Chromium itself reports that it would install the app. */
import { installabilityErrors, manifest } from "../lib/cdp.mjs";
import { assert } from "../lib/until.mjs";

/** @type {import("../run.mjs").Story} */
export default {
  title: "the browser would install the app",
  async run(world) {
    const device = await world.device();
    const budi = await world.signedIn(device, "budi");
    assert.deepEqual(await installabilityErrors(budi.page), []);
    const { errors, data, url } = await manifest(budi.page);
    assert.deepEqual(errors, []);
    const { icons, name, short_name: short, display, start_url: start, id } = JSON.parse(data ?? "{}");
    assert.ok(name && short.length <= 12 && display === "standalone" && start && id, "it has what a phone shows");
    assert.ok(icons.some((/** @type {any} */ icon) => icon.purpose === "maskable"));
    for (const icon of icons) {
      const size = await budi.page.evaluate(async (address) => {
        const response = await fetch(address);
        const bitmap = await createImageBitmap(await response.blob());
        return `${bitmap.width}x${bitmap.height}`;
      }, new URL(icon.src, url).href);
      assert.equal(size, icon.sizes, icon.src);
    }
  },
};
