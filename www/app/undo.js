/** "Saved on this phone · Undo". */
import { toast } from "./toast.js";

/** @param {import("./main.js").App} app @param {string} words @param {string} row */
export function offerUndo(app, words, row) {
  toast(words, {
    word: app.t("undo"),
    async act() {
      try {
        const { done } = await app.sync.outbox.undo(row);
        toast(app.t(done === "now" ? "undone" : "undone-later"));
      } catch {
        toast(app.t("undo-failed"));
      }
    },
  });
}
