/**
 * The demo CRM. It knows the library only through its public door, as any app would.
 *
 * @typedef {object} App
 * @property {import("./session.js").Session} session
 * @property {import("./session.js").Sync} sync The signed-in user's client.
 * @property {import("../fieldsync/i18n.js").Language} language
 * @property {import("../fieldsync/i18n.js").Translate} t
 * @property {(path: string, options?: { replace?: boolean }) => void} go
 * @property {(above: string) => void} back
 * @property {(title: string) => void} retitle What the page shows has another name now.
 * @property {(language: import("../fieldsync/i18n.js").Language) => void} speak
 * @property {(collection: string, id: string) => Promise<void>} decide Puts a record's conflict to the user.
 * @property {(group: import("../fieldsync/types").ConflictGroup) => Promise<void>} decideGroup The same for all of one cause.
 * @property {() => Promise<void>} opened A client was opened, or closed.
 */
import { addIcons, addWords, defineElements, deviceLanguage, registerWorker, translator } from "../fieldsync/index.js";
import { decide, decideGroup } from "./decide.js";
import { ICONS } from "./icons.js";
import en from "./locales/en.json";
import id from "./locales/id.json";
import { Router } from "./router.js";
import { Session } from "./session.js";
import { Shell } from "./shell.js";
import { showStory } from "./story.js";
import { activityForm } from "./views/activity-form.js";
import { customer } from "./views/customer.js";
import { customerForm } from "./views/customer-form.js";
import { customers } from "./views/customers.js";
import { overview } from "./views/overview.js";
import { pipeline } from "./views/pipeline.js";
import { settings } from "./views/settings.js";
import { signIn } from "./views/sign-in.js";
import { syncCentre } from "./views/sync.js";
import { today } from "./views/today.js";
import { trouble } from "./views/trouble.js";

const LANGUAGE_KEY = "fieldsync-language";

addWords("en", en);
addWords("id", id);
addIcons(ICONS);
defineElements();

const session = new Session();
/** @type {unknown} */
let failure;

/** @type {App} */
const app = {
  session,
  get sync() {
    if (!session.client) throw new Error("nobody is signed in");
    return session.client;
  },
  language: chosenLanguage() ?? deviceLanguage(),
  get t() {
    return translator(app.language);
  },
  go: (path, options) => void router.go(path, options),
  back: (above) => router.back(above),
  retitle: (title) => shell.retitle(title),
  speak(language) {
    app.language = language;
    try {
      localStorage.setItem(LANGUAGE_KEY, language);
    } catch {
      // Storage may be blocked: the choice lasts for this visit.
    }
    void router.refresh();
  },
  decide: (collection, record) => decide(app, shell.dialog, collection, record),
  decideGroup: (group) => decideGroup(app, shell.dialog, group),
  async opened() {
    failure = undefined;
    listen();
  },
};

/** Pages for a signed-in user; anybody else is asked to sign in, and comes back to where they wanted to go. @param {(app: App, params: any, query: URLSearchParams) => any} view */
const member = (view) => (/** @type {any} */ params, /** @type {URLSearchParams} */ query) => {
  if (session.client) return view(app, params, query);
  return failure ? trouble(app, failure, start) : signIn(app, location.pathname + location.search);
};

const router = new Router(
  {
    "/": member(today),
    "/customers": member(customers),
    "/customers/new": member(customerForm),
    "/customers/:id": member(customer),
    "/customers/:id/edit": member(customerForm),
    "/overview": member(overview),
    "/pipeline": member(pipeline),
    "/activities/new": member(activityForm),
    "/sync": member(syncCentre),
    "/settings": member(settings),
    "/sign-in": (_, query) => signIn(app, query.get("next") ?? "/"),
    "/index.html": member(today),
  },
  (page) => shell.show(page),
);

const shell = new Shell(app);
document.addEventListener("story-requested", (event) => void showStory(app, /** @type {CustomEvent} */ (event).detail));

/** @type {unknown} */
let listened;
function listen() {
  const { client } = session;
  if (!client || client === listened) return;
  listened = client;
  client.addEventListener("syncstatuschange", () => shell.status());
}

function chosenLanguage() {
  try {
    const kept = localStorage.getItem(LANGUAGE_KEY);
    return kept === "en" || kept === "id" ? kept : undefined;
  } catch {
    return undefined;
  }
}

async function start() {
  failure = undefined;
  try {
    await session.resume();
    listen();
  } catch (error) {
    failure = error;
    console.error(error);
  }
  await router.start();
}

void registerWorker("/sw.js", () => session.client?.updateReady());
void start();
