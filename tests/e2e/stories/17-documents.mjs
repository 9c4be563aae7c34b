/** The JavaScript of docs/api.md, block by block, on the library: it does what it says, and all of it is sent. */
import { readFile } from "node:fs/promises";
import { assert } from "../lib/until.mjs";

/** @type {import("../run.mjs").Story} */
export default {
  title: "the examples of docs/api.md run",
  async run(world) {
    const text = await readFile(new URL("../../../docs/api.md", import.meta.url), "utf8");
    const blocks = [...text.matchAll(/^```js\n([^]*?)^```$/gm)].map((found) => found[1]);
    assert.ok(blocks.length >= 8, "the examples were found");
    const budi = await world.harness(await world.device(), "budi");
    await budi.synced();
    for (const block of blocks) {
      world.step(block.split("\n")[0]);
      await budi.must(/** @type {any} */ (`async (sync) => {\n${block}}`));
    }
    await budi.must((sync) => sync.sync().then(() => {}));
    await budi.synced();
    const made = await (await world.api("budi")).customersNamed("Toko Jaya");
    assert.equal(made.length, 1, "what the examples made has arrived");
  },
};
