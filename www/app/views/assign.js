/** Whose a customer is: a manager gives it to a rep of the team, with an answer of the server or not at all. */
import { h } from "../../fieldsync/index.js";
import { onlineOnly, reps, tryOnline } from "../online.js";
import { toast } from "../toast.js";

/** @typedef {import("../main.js").App} App */
/** @typedef {import("../session.js").Customer} Customer */

/** The panel on a customer's page. It stays while the page around it is drawn anew. @param {App} app */
export function assignment(app) {
  const { t, sync } = app;
  /** @type {Customer | undefined} */
  let record;
  let busy = false;
  const select = h("select", { id: "assign-to" });
  const word = h("p.note", { role: "status", hidden: true }, t("online.not-known-yet"));
  const button = h("button.button", { type: "button", onclick: () => void assign() }, t("assign"));
  const online = onlineOnly(app, [select, button], "assign-why", () => busy || !record || record.unknown === true);
  const node = h(
    "section.card.stack",
    { "aria-labelledby": "assign-label" },
    h("div.field", null, h("label", { id: "assign-label", for: "assign-to" }, t("assign.to")), select),
    word,
    h("div.actions", null, button),
    online.why,
  );
  const fill = fillWith(app, select);
  const update = (/** @type {Customer | undefined} */ shown) => {
    const owner = record?.fields.owner;
    record = shown;
    node.hidden = !shown;
    word.hidden = !shown?.unknown;
    if (shown?.fields.owner !== owner) void fill.then(() => (select.value = String(shown?.fields.owner ?? "")));
    online.tell();
  };
  const assign = async () => {
    if (!record || select.value === record.fields.owner) return;
    const [seen, owner, name] = [record, select.value, select.selectedOptions[0].textContent];
    busy = true;
    online.tell();
    await tryOnline(app, () => sync.customers.update(seen, { owner }), t("assigned", { name }));
    busy = false;
    online.tell();
  };
  return { node, update, stop: online.stop };
}

/** The bar below a list in which customers are chosen. @param {App} app @param {() => Customer[]} chosen @param {() => void} done */
export function assignMany(app, chosen, done) {
  const { t } = app;
  let busy = false;
  const select = h("select", { id: "assign-many" });
  const button = h("button.button.primary", { type: "button", onclick: () => void assign() });
  const online = onlineOnly(app, [select, button], "assign-many-why", () => busy || !chosen().length);
  void fillWith(app, select);
  const node = h(
    "section.card.stack",
    { "aria-labelledby": "assign-many-label" },
    h("div.field", null, h("label", { id: "assign-many-label", for: "assign-many" }, t("assign.to")), select),
    h("div.actions", null, button),
    online.why,
  );
  const update = () => {
    button.textContent = t("assign.many", { n: chosen().length });
    online.tell();
  };
  const assign = async () => {
    busy = true;
    online.tell();
    const counts = await each(app, chosen(), select.value);
    busy = false;
    toast(words(app, counts));
    done();
  };
  update();
  return { node, update, stop: online.stop };
}

/** One after the other: each is its own question to the server. @param {App} app @param {Customer[]} records @param {string} owner */
async function each({ sync }, records, owner) {
  const counts = { done: 0, unknown: 0, failed: 0 };
  for (const record of records) {
    try {
      await sync.customers.update(record, { owner });
      counts.done++;
    } catch (failure) {
      const { code } = /** @type {{ code?: string }} */ (failure);
      counts[code === "not-known-yet" ? "unknown" : "failed"]++;
    }
  }
  return counts;
}

/** @param {App} app @param {{ done: number, unknown: number, failed: number }} counts */
function words({ t }, { done, unknown, failed }) {
  const parts = [t("assigned.many", { n: done })];
  if (unknown) parts.push(t("assigned.unknown", { n: unknown }));
  if (failed) parts.push(t("assigned.failed", { n: failed }));
  return parts.join(" · ");
}

/** @param {App} app @param {HTMLSelectElement} select */
async function fillWith(app, select) {
  const found = await reps(app);
  select.replaceChildren(...found.map(({ id, name }) => h("option", { value: id }, name)));
}
