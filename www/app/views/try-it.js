/** For whoever looks at the demo: three things that show what it does. */
import { h } from "../../fieldsync/index.js";

/** @param {import("../main.js").App} app */
export function tryIt({ t }) {
  const other = secondPhone();
  const link = other && h("a", { href: other, target: "_blank", rel: "noopener" }, t("try.phone.open"));
  const step = (/** @type {string} */ name, /** @type {any} */ more) =>
    h("details", null, h("summary", null, t(`try.${name}`)), h("p", null, t(`try.${name}.how`), more && [" ", more]));
  return h(
    "section.card.try",
    { "aria-labelledby": "try" },
    h("h2", { id: "try" }, t("try")),
    step("unplug", null),
    step("conflict", link),
    step("phone", link),
  );
}

/** The same server under its other name of loopback: another origin, so another database, as on another phone. */
function secondPhone() {
  const names = /** @type {{ [name: string]: string }} */ ({ localhost: "127.0.0.1", "127.0.0.1": "localhost" });
  const name = names[location.hostname];
  if (!name) return undefined;
  const url = new URL(location.origin);
  url.hostname = name;
  return url.href;
}
