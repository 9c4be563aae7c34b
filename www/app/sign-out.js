/** Signing out with unsent work: what is to become of it? */
import { h } from "../fieldsync/index.js";

/** @param {import("./main.js").App} app @returns {Promise<"send" | "keep" | "export" | undefined>} Undefined: stay. */
export function askBeforeSignOut({ t, sync }) {
  const n = sync.status.pending;
  const choice = (/** @type {string} */ value, /** @type {string} */ look = "") =>
    h(
      look ? `button.button.wide.${look}` : "button.button.wide",
      { value },
      h("span.stacked", null, h("b", null, t(`sign-out.${value}`)), h("span.small", null, t(`sign-out.${value}.how`))),
    );
  const dialog = /** @type {HTMLDialogElement} */ (
    h(
      "dialog.ask-dialog",
      { "aria-labelledby": "sign-out-title" },
      h(
        "form.stack",
        { method: "dialog" },
        h("h2", { id: "sign-out-title", tabIndex: -1 }, t("sign-out.title", { n })),
        choice("send", "primary"),
        choice("keep"),
        choice("export"),
        h("button.button.quiet.wide", { value: "" }, t("cancel")),
      ),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("h2")?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        dialog.remove();
        resolve(/** @type {any} */ (dialog.returnValue || undefined));
      },
      { once: true },
    );
    dialog.addEventListener("cancel", () => (dialog.returnValue = ""));
  });
}
