/** What both sides have in the end: the server, and the screen of somebody else's profile. */
import { assert, settles } from "./until.mjs";

/** @typedef {import("./app.mjs").App} App */
/** @typedef {Record<string, any>} Fields */

/** @param {import("./world.mjs").World} world @param {string} id @param {string} name @param {Fields | null} end Null: it is gone. */
async function atServer(world, id, name, end) {
  const record = await (await world.api("ahmad")).record("customers", id);
  if (end === null) return assert.equal(record, undefined, `${name} is gone at the server`);
  assert.deepEqual(Object.fromEntries(Object.keys(end).map((field) => [field, record?.fields[field]])), end, `${name} at the server`);
}

/** @param {App} other @param {string} id @param {string} name @param {Fields | null} end */
async function onScreen(other, id, name, end) {
  if (end === null) {
    await other.load("/customers");
    await other.upToDate();
    return assert.equal(await other.found(name), 0, `${name} is gone on the other profile`);
  }
  await other.showCustomer(id);
  await settles(`the other profile shows ${name}`, async () => {
    const text = await other.page.locator("main").innerText();
    for (const value of Object.values(end)) assert.ok(text.includes(String(value).split("\n")[0]), `${name} on the other profile: ${value}`);
  }, 3_000);
}

/**
 * The record is so at the server, and on another profile, which fetches it. What is not sent yet must be waited for before.
 * @param {import("./world.mjs").World} world @param {App} other @param {string} id @param {string} name @param {Fields | null} end Null: it is gone.
 */
export async function agreed(world, other, id, name, end) {
  await atServer(world, id, name, end);
  // Each load of the page fetches what is new.
  await settles(`${name} on the other profile`, () => onScreen(other, id, name, end), 40_000);
}
