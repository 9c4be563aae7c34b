import assert from "node:assert/strict";
import { test } from "node:test";
import { discardAll, onlyOf } from "../www/fieldsync/outbox.js";

const entry = (id, status = "failed") => ({ id, status, changes: [{ row: `row-${id}` }] });

test("what could not be sent is discarded, what ended with another is passed over, and all of it comes back, the last one first", async () => {
  const calls = [];
  const discard = async (row) => {
    calls.push(row);
    if (row === "row-b") throw Object.assign(new Error("gone"), { code: "not-found" });
    return { done: row === "row-c" ? "later" : "now", undo: async () => void calls.push(`undo ${row}`) };
  };
  const entries = [entry("a"), entry("waiting", "pending"), entry("b"), entry("c")];
  const { discarded, done, undo } = await discardAll(entries, discard);
  assert.deepEqual([discarded.map(({ id }) => id), done], [["a", "c"], "later"]);
  await undo();
  assert.deepEqual(calls, ["row-a", "row-b", "row-c", "undo row-c", "undo row-a"]);
});

test("a discard that fails otherwise is told", async () => {
  const broken = async () => Promise.reject(Object.assign(new Error("full"), { code: "storage-full" }));
  await assert.rejects(discardAll([entry("a")], broken), { code: "storage-full" });
});

test("the export of some records has their changes and the parcels that carry them, whole", () => {
  const change = (row, record, collection = "customers") => ({ row, record, collection });
  const exported = {
    user: "u",
    outbox: [change("1", "x"), change("2", "y"), change("3", "x"), change("4", "x", "pipelines")],
    parcels: [{ op_id: "p", rows: ["1", "2"] }, { op_id: "q", rows: ["2"] }],
  };
  const only = JSON.parse(onlyOf(JSON.stringify(exported), [{ collection: "customers", id: "x" }]));
  assert.deepEqual(only, { user: "u", outbox: [change("1", "x"), change("3", "x")], parcels: [{ op_id: "p", rows: ["1", "2"] }] });
});
