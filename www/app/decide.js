/** Puts a conflict to the user, and says what became of it. */
import { isSyncError } from "../fieldsync/index.js";
import { toast } from "./toast.js";
import { offerBack } from "./undo.js";

/**
 * @param {import("./main.js").App} app
 * @param {import("../fieldsync/elements/conflict-dialog.js").ConflictDialog} dialog
 * @param {string} collection @param {string} id
 */
export async function decide(app, dialog, collection, id) {
  const find = async () =>
    (await app.sync.conflicts.list()).find((each) => each.collection === collection && each.id === id);
  let conflict = await find();
  let moved = false;
  while (conflict) {
    const choices = await dialog.ask(conflict, { moved });
    if (!choices) return app.sync.conflicts.putOff(conflict);
    try {
      const { undo } = await app.sync.conflicts.resolve(conflict, choices);
      return offerBack(app, app.t("choice-saved"), undo);
    } catch (error) {
      if (!isSyncError(error) || error.code !== "conflict") return toast(app.t("not-saved"));
      conflict = await find(); // Theirs moved while the user thought: the new one is shown.
      moved = true;
    }
  }
  toast(app.t("conflict-gone"));
}
