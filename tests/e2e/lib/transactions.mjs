/** The moment between the last write of a transaction and its commit, made as long as it takes to kill the browser in it. */

/** @typedef {"pages" | "history"} Store */
/** @typedef {"written" | "committed"} Moment */

/**
 * Runs before the scripts of a page, and tells of the first transaction that writes to this store: `written` when its last write
 * is done, and it is kept from committing for ever; `committed` when it is complete. What asks for the commit, and what it
 * holds, is the product's own.
 * @param {Store} store @param {Moment} moment
 */
function watched(store, moment) {
  return `{
    const { commit } = IDBTransaction.prototype;
    let first;
    for (const name of ["put", "add"]) {
      const write = IDBObjectStore.prototype[name];
      IDBObjectStore.prototype[name] = function (...given) {
        if (this.name === ${JSON.stringify(store)} && !first) {
          first = this.transaction;
          first.addEventListener("complete", () => globalThis.toldOfWrites("committed"));
        }
        return Reflect.apply(write, this, given);
      };
    }
    IDBTransaction.prototype.commit = function () {
      if (this !== first || ${JSON.stringify(moment)} === "committed") return Reflect.apply(commit, this, []);
      const held = this.objectStore(${JSON.stringify(store)});
      let isTold = false;
      // Requests are answered in their order: the first answer comes after the last write. A transaction with a request commits not.
      const again = () => {
        held.count().onsuccess = () => {
          if (!isTold) globalThis.toldOfWrites("written");
          isTold = true;
          again();
        };
      };
      again();
    };
  }`;
}

/** From the next load on; gives back whether the moment has come, and what was told before it. @param {import("playwright-core").Page} page @param {Store} store @param {Moment} moment */
export async function watchWrites(page, store, moment) {
  /** @type {Moment[]} */
  const told = [];
  await page.exposeBinding("toldOfWrites", (_, what) => void told.push(what));
  await page.addInitScript(watched(store, moment));
  return { has: () => told.includes(moment), told };
}
