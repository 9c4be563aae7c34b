/**
 * Story 32: what happened on a phone can be read from what it exports, by somebody who cannot touch it, and holds nothing that
 * was typed. The trace is left beside the story's other files; one such file is tests/traces/, and tests/trace.rs plays it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, until } from "../lib/until.mjs";

const SYNC = /\/sync\/v1\/(push|changes|snapshot)/;
const PUSH = /\/sync\/v1\/push/;
/** Typed by the user, here or elsewhere: none of it may be exported. */
const TYPED = ["PT Rahasia Satu", "PT Rahasia Dua", "PT Rahasia Tiga", "0812-777-0001", "+628127770001", "0812-777-0002", "JKT-7771", "Jl. Rahasia"];

/** @typedef {import("../lib/harness.mjs").Harness} Harness */

/** @param {Harness} budi */
const press = (budi) => budi.must((sync) => sync.sync().then(() => {}));

/** An outage, and an answer that is lost. @param {import("../lib/world.mjs").World} world @param {Harness} budi */
async function outage(world, budi) {
  world.step("an outage");
  await budi.must((sync) => sync.customers.create({ name: "PT Rahasia Satu", phone: "0812-777-0001", code: "JKT-7771" }).then(() => {}));
  await press(budi);
  await budi.synced();
  world.proxy.rule({ path: SYNC, fault: "refuse", times: 2 });
  await budi.must(async (sync) => {
    const [made] = await sync.customers.list({ where: { name: "PT Rahasia Satu" } });
    await sync.customers.update(made, { address: "Jl. Rahasia" });
    await sync.customers.create({ name: "PT Rahasia Dua" });
  });
  await press(budi);
  world.proxy.rule({ path: PUSH, fault: "lose-answer", times: 1 });
  await press(budi);
  await press(budi);
  await budi.synced();
}

/** A code that another record has. @param {import("../lib/world.mjs").World} world @param {Harness} budi */
async function refusal(world, budi) {
  world.step("a refusal");
  await budi.must((sync) => sync.customers.create({ name: "PT Rahasia Tiga", code: "JKT-7771" }).then(() => {}));
  await press(budi);
  await until("it was refused", async () => (await budi.status()).failed === 1);
  await budi.must(async (sync) => {
    const [entry] = await sync.outbox.list();
    await sync.outbox.discard(entry.changes[0].row);
  });
  await budi.synced();
}

/** Both change a field, and the user decides. @param {import("../lib/world.mjs").World} world @param {Harness} budi */
async function conflict(world, budi) {
  world.step("a conflict");
  const api = await world.api("budi");
  const [entry] = await api.customersNamed("PT Rahasia Dua");
  await api.update(entry, { phone: "0812-777-0002" });
  await budi.must(async (sync) => {
    const [made] = await sync.customers.list({ where: { name: "PT Rahasia Dua" } });
    await sync.customers.update(made, { phone: "0812-777-0001" });
  });
  await press(budi);
  await until("a person is asked", async () => (await budi.status()).conflicts === 1);
  await budi.must(async (sync) => {
    const [found] = await sync.conflicts.list();
    await sync.conflicts.resolve(found, { phone: "mine" });
  });
  await press(budi);
  await budi.synced();
}

/** @type {import("../run.mjs").Story} */
export default {
  title: "what happened can be read from what a phone exports, and nothing that was typed",
  async run(world) {
    const device = await world.device();
    const budi = await world.harness(device, "budi");
    await budi.synced();
    await outage(world, budi);
    await refusal(world, budi);

    world.step("the tab is closed: what it noted is there");
    await budi.close();
    const again = await world.harness(device, "budi");
    await again.synced();
    await conflict(world, again);

    world.step("it is exported");
    const text = await again.must(async (sync) => JSON.stringify(await sync.diagnostics()));
    for (const typed of TYPED) assert.ok(!text.includes(typed), `${typed} is in the export`);
    const { trace } = JSON.parse(text);
    const told = JSON.stringify(trace);
    for (const word of ["saved", "begun", "sent", "away", "rejected", "conflict", "applied", "pulled", "ended", "phone"])
      assert.ok(told.includes(`"${word}"`), `the trace tells of "${word}"`);
    assert.ok(new Set(trace.entries.map((/** @type {any[]} */ entry) => entry[1])).size > 1, "both tabs are in it");
    const lines = trace.entries.map((/** @type {any} */ entry) => JSON.stringify(entry)).join(",\n");
    writeFileSync(join(world.folder, "trace.json"), `{"dropped":${trace.dropped},"entries":[\n${lines}\n]}\n`);
  },
};
