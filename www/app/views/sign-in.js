/** Signing in; on a demo server its users are a tap away. */
import { h, icon, isSyncError } from "../../fieldsync/index.js";
import { toast } from "../toast.js";

/** @type {{ [code: string]: string }} */
const WORDS = { "signed-out": "sign-in.wrong", offline: "sign-in.offline", server: "sign-in.server" };

/** @param {import("../main.js").App} app @param {string} next */
export function signIn(app, next) {
  const { t, session } = app;
  const username = input("username", "username", "text", session.profile?.username ?? "");
  const password = input("password", "current-password", "password", "");
  const error = h("p.error", { role: "alert" });
  const button = h("button.button.primary.wide", { type: "submit" }, t("do.sign-in"));
  const demo = h("div");

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    error.textContent = "";
    button.setAttribute("aria-busy", "true");
    try {
      await session.signIn(username.value.trim(), password.value);
      await app.opened();
      // Only a path of this app: an address of elsewhere is not followed.
      app.go(/^\/(?!\/)/.test(next) && !next.startsWith("/sign-in") ? next : "/", { replace: true });
    } catch (failure) {
      const code = isSyncError(failure) ? failure.code : "other";
      error.textContent = t(WORDS[code] ?? "trouble.other");
      if (code === "other") console.error(failure);
    } finally {
      button.removeAttribute("aria-busy");
    }
  };

  const node = h(
    "div.door",
    null,
    h(
      "div.door-head",
      null,
      h("span.mark", null, icon("brand")),
      h("h1", { tabIndex: -1 }, "Fieldsync"),
      h("p.muted", null, t("sign-in.about")),
    ),
    session.client && h("p.note", null, t("sign-in.safe")),
    h(
      "form.card.stack",
      { onsubmit: submit },
      h("div.field", null, h("label", { for: "username" }, t("username")), username),
      h("div.field", null, h("label", { for: "password" }, t("password")), password),
      error,
      button,
      session.client &&
        h("button.button.quiet.wide", { type: "button", onclick: () => app.back("/") }, t("sign-in.not-now")),
    ),
    demo,
    languageLinks(app),
  );
  void session.auth.demoUsers().then((users) => {
    if (users.length)
      demo.replaceChildren(
        demoCard(app, users, (user) => {
          username.value = user.username;
          password.value = user.password;
          toast(t("sign-in.filled", { name: user.name }));
          button.focus();
        }),
      );
  });
  return { title: t("do.sign-in"), node, section: "sign-in" };
}

/** @param {string} name @param {string} autocomplete @param {string} type @param {string} value */
function input(name, autocomplete, type, value) {
  return h("input", {
    id: name,
    name,
    type,
    autocomplete,
    value,
    autocapitalize: "none",
    spellcheck: false,
    required: true,
  });
}

/** @param {import("../main.js").App} app @param {any[]} users @param {(user: any) => void} fill */
function demoCard({ t }, users, fill) {
  const rows = users.map((user) =>
    h(
      "li",
      null,
      h(
        "button.person",
        { type: "button", onclick: () => fill(user) },
        h("span.avatar", { "aria-hidden": "true" }, initials(user.name)),
        h("span", null, h("b", null, user.name), h("span.muted.small", null, t(`role.${user.role}`))),
        icon("chevron"),
      ),
    ),
  );
  return h(
    "section.card.demo",
    { "aria-labelledby": "demo-title" },
    h("h2", { id: "demo-title" }, t("sign-in.demo")),
    h("ul.plain", null, rows),
  );
}

/** @param {string} name */
export function initials(name) {
  return name
    .split(/\s+/)
    .map((word) => word[0])
    .slice(0, 2)
    .join("")
    .toUpperCase();
}

/** @param {import("../main.js").App} app */
function languageLinks(app) {
  const other = app.language === "id" ? "en" : "id";
  return h(
    "p.centre",
    null,
    h("button.button.quiet", { type: "button", lang: other, onclick: () => app.speak(other) }, app.t(`language.${other}`)),
  );
}
