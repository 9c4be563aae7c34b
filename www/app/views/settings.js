/** Language, who is signed in, and signing out without losing what is not sent. */
import { format, h } from "../../fieldsync/index.js";
import { download } from "../download.js";
import { isManager } from "../online.js";
import { askBeforeSignOut } from "../sign-out.js";
import { toast } from "../toast.js";
import { company, merges } from "./company.js";
import { initials } from "./sign-in.js";

/** @param {import("../main.js").App} app */
export function settings(app) {
  const { t, session, sync, language } = app;
  const { profile } = session;
  const options = ["en", "id"].map((each) =>
    h("option", { value: each, selected: each === language }, t(`language.${each}`)),
  );
  const speak = (/** @type {Event} */ event) =>
    app.speak(/** @type {"en" | "id"} */ (/** @type {HTMLSelectElement} */ (event.target).value));
  const { lastSyncedAt } = sync.status;
  const parts = { company: company(app), merges: isManager(app) ? merges(app) : undefined };
  const node = h(
    "div.stack.narrow",
    null,
    h(
      "section.card",
      null,
      h(
        "div.person",
        null,
        h("span.avatar", { "aria-hidden": "true" }, initials(profile?.name ?? "?")),
        h(
          "span",
          null,
          h("b", null, profile?.name),
          h("span.muted.small", null, t(`role.${profile?.role}`), profile?.team && ` · ${profile.team}`),
        ),
      ),
      !isManager(app) && parts.company.node,
      h("div.actions", null, h("button.button", { type: "button", onclick: () => void signOut(app) }, t("sign-out"))),
    ),
    isManager(app) && h("section.card", null, parts.company.node),
    parts.merges?.node,
    h(
      "section.card",
      null,
      h(
        "div.field",
        null,
        h("label", { for: "language" }, t("centre.language")),
        h("select", { id: "language", onchange: speak }, options),
      ),
    ),
    h(
      "section.card",
      null,
      h("h2", null, t("nav.sync")),
      h(
        "p",
        null,
        t("centre.last"),
        ": ",
        h("b", null, lastSyncedAt ? format.moment(language, lastSyncedAt) : t("centre.never")),
      ),
      h("div.actions", null, h("a.button", { href: "/sync" }, t("settings.sync"))),
    ),
  );
  const stop = () => (parts.company.stop(), parts.merges?.stop());
  return { title: t("nav.settings"), node, section: "settings", stop };
}

/** @param {import("../main.js").App} app */
async function signOut(app) {
  const { session, sync, t } = app;
  if (sync.status.pending > 0) {
    const choice = await askBeforeSignOut(app);
    if (!choice) return;
    if (choice === "send" && (await sync.sync()).pending > 0) return toast(t("sign-out.still"));
    if (choice === "export") download("fieldsync-unsent.json", await sync.outbox.export());
  }
  await session.signOut();
  app.go("/", { replace: true });
}
