/** Puts a conflict to the user, or a group of one cause, and says what became of it. */
import { isSyncError } from "../fieldsync/index.js";
import { names } from "./names.js";
import { toast } from "./toast.js";
import { offerBack } from "./undo.js";

/** As long as this it can be undone: it is held back. */
const HOLD_MS = 6_000;

/**
 * @typedef {import("./main.js").App} App
 * @typedef {import("../fieldsync/types").Conflict} Conflict
 * @typedef {import("../fieldsync/types").Choices} Choices
 * @typedef {import("../fieldsync/elements/conflict-dialog.js").ConflictDialog} ConflictDialog
 */

/** @param {App} app @param {ConflictDialog} dialog @param {string} collection @param {string} id */
export async function decide(app, dialog, collection, id) {
  const find = async () =>
    (await app.sync.conflicts.list()).find((each) => each.collection === collection && each.id === id);
  let conflict = await find();
  let moved = false;
  while (conflict) {
    dialog.nameOf = await namesIn(app, [conflict]);
    const asked = conflict;
    /** @type {Array<() => Promise<any>>} */
    const undo = [];
    const save = async (/** @type {Choices} */ choices) => {
      try {
        undo.push((await app.sync.conflicts.resolve(asked, choices, { holdMs: HOLD_MS })).undo);
        return true;
      } catch (error) {
        const isMoved = isSyncError(error) && error.code === "conflict";
        if (!isMoved) console.error(error);
        return isMoved;
      }
    };
    if (!(await dialog.ask(conflict, { moved, save }))) return app.sync.conflicts.putOff(conflict);
    if (undo[0]) return offerBack(app, app.t("choice-saved"), undo[0]);
    conflict = await find(); // Theirs moved while the user thought: the new one is shown.
    moved = true;
  }
  toast(app.t("conflict-gone"));
}

/** @param {App} app @param {ConflictDialog} dialog @param {import("../fieldsync/types").ConflictGroup} group */
export async function decideGroup(app, dialog, group) {
  const { t, sync } = app;
  dialog.nameOf = await namesIn(app, group.conflicts);
  /** @type {Array<Awaited<ReturnType<typeof sync.conflicts.resolveAll>>>} */
  const done = [];
  const save = async (/** @type {"mine" | "theirs"} */ choice) => {
    try {
      done.push(await sync.conflicts.resolveAll(group.conflicts, choice, { holdMs: HOLD_MS }));
      return true;
    } catch (error) {
      console.error(error);
      return false;
    }
  };
  if (!(await dialog.askGroup(group, { save }))) {
    for (const conflict of group.conflicts) await sync.conflicts.putOff(conflict);
    return;
  }
  for (const { undo, decided, moved, unfit } of done) {
    const words = [t("choices-saved", { n: decided }), moved.length && t("choices-left", { n: moved.length }), unfit.length && t("choices-unfit", { n: unfit.length })];
    const said = words.filter(Boolean).join(" · ");
    if (decided) offerBack(app, said, undo);
    else toast(said);
  }
}

/** The names of the records that the fields in question refer to. @param {App} app @param {Conflict[]} conflicts */
function namesIn(app, conflicts) {
  const values = conflicts.flatMap(({ collection, fields, changed = [], mergedFields }) => [
    ...[...fields, ...changed].flatMap(({ field, before, mine, theirs }) => [before, mine, theirs].map((value) => ({ collection, field, value }))),
    ...mergedFields.map(({ field, value }) => ({ collection, field, value })),
  ]);
  return names(app, values);
}
