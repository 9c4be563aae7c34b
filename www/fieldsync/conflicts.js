/** What needs a person, and what rules decided without one: `sync.conflicts` and `sync.merged`. */
import { SyncError } from "./errors.js";

/**
 * @typedef {import("./types").Engine} Engine
 * @typedef {import("./types").Conflict} Conflict
 * @typedef {import("./types").Choices} Choices
 * @typedef {import("./types").SyncClient} SyncClient
 */

/** So many are decided in one transaction. */
const DECIDED_MAX = 200;

/** What names a decision: the record, the version of theirs that was shown, what was chosen. @param {Conflict} conflict @param {Choices} choices */
const decision = ({ collection, id, version }, choices) => ({ collection, id, version, choices });

/** The same choice for every field. @param {Conflict} conflict @param {"mine" | "theirs"} choice @returns {Choices} */
function choiceOf({ kind, fields }, choice) {
  return kind === "fields" ? Object.fromEntries(fields.map(({ field }) => [field, choice])) : { "*": choice };
}

/** @param {{ engine: () => Engine, ready: () => Promise<void>, saved: () => void, restore: (undo: string) => Promise<void> }} client @returns {SyncClient["conflicts"]} */
export function openConflicts({ engine: used, ready, saved, restore }) {
  // What is decided is decided on what is there, and all of it.
  const engine = () => ready().then(used);
  return {
    list: async () => JSON.parse((await engine()).conflicts()),
    groups: async () => JSON.parse((await engine()).conflictGroups()),
    check: async (conflict, choices) => JSON.parse((await engine()).check(JSON.stringify(decision(conflict, choices)))),
    resolve: async (conflict, choices, { holdMs } = {}) => {
      const undo = await (await engine()).resolve(JSON.stringify(decision(conflict, choices)), holdMs);
      saved();
      return { undo: () => restore(undo) };
    },
    resolveAll: async (conflicts, choice, { holdMs } = {}) => {
      /** @type {{ undo: object, moved: string[], unfit: string[] }[]} */
      const parts = [];
      for (let at = 0; at < conflicts.length; at += DECIDED_MAX) {
        const decisions = conflicts.slice(at, at + DECIDED_MAX).map((each) => decision(each, choiceOf(each, choice)));
        parts.push(JSON.parse(await (await engine()).decide(JSON.stringify(decisions), holdMs)));
      }
      saved();
      const moved = parts.flatMap((part) => part.moved);
      const unfit = parts.flatMap((part) => part.unfit);
      const undo = async () => {
        for (const part of parts) await restore(JSON.stringify(part.undo));
      };
      return { undo, decided: conflicts.length - moved.length - unfit.length, moved, unfit };
    },
    putOff: async (conflict) => (await engine()).putOff(conflict.collection, conflict.id, conflict.version),
  };
}

/** @param {{ engine: () => Engine, ready: () => Promise<void>, collection: SyncClient["collection"] }} client @returns {SyncClient["merged"]} */
export function openMerged({ engine, ready, collection }) {
  return {
    list: async () => {
      await ready();
      return JSON.parse(engine().merged());
    },
    looked: ({ collection, id }) => engine().looked(collection, id),
    putBack: async ({ collection: name, id }, { field, value }, options) => {
      const record = await collection(name).get(id);
      // What stands there now is what the user sees beside it.
      if (!record?.setAside?.some((lost) => lost.field === field)) throw new SyncError("not-found", `nothing of ${field} is aside`);
      // Of a field that is merged by member, one member: the others stay as they are.
      const [whole, member] = field.split(".");
      const patch = member === undefined ? value : { .../** @type {object} */ (record.fields[whole]), [member]: value };
      return collection(name).update(record, { [whole]: patch }, options);
    },
  };
}
