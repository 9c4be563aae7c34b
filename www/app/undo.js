/** "Saved on this phone · Undo", and what came of the Undo. */
import { toast } from "./toast.js";

/** @param {import("./main.js").App} app @param {string} words @param {string} row */
export function offerUndo(app, words, row) {
  offerBack(app, words, () => app.sync.outbox.undo(row));
}

/** @param {import("./main.js").App} app @param {string} words @param {() => Promise<{ done: string } | void>} undo */
export function offerBack({ t }, words, undo) {
  toast(words, {
    word: t("undo"),
    async act() {
      try {
        const answer = await undo();
        toast(t(!answer || answer.done === "now" ? "undone" : "undone-later"));
      } catch {
        toast(t("undo-failed"));
      }
    },
  });
}
