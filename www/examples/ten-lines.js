import { defineElements, openClient } from "./fieldsync/fieldsync.js";
import { getAccessToken, onSignIn, server, signedInUser } from "./sign-in.js";

const [bar, form, list] = ["sync-status-bar", "#add", "ul"].map((selector) => document.querySelector(selector));

defineElements();
const sync = await openClient({ server, user: await signedInUser(), getAccessToken, serviceWorker: "fieldsync-sw.js" });
sync.addEventListener("syncstatuschange", () => (bar.status = sync.status));
bar.status = sync.status;
bar.addEventListener("sync-requested", () => sync.sync());
onSignIn(() => sync.signedIn());
sync.customers.watch({ sort: ["name"], limit: 50 }, (rows) =>
  list.replaceChildren(
    ...rows.map(({ fields }) => Object.assign(document.createElement("li"), { textContent: fields.name })),
  ),
);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await sync.customers.create({ name: form.elements.name.value });
  form.reset();
});
