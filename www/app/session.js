/**
 * Who is signed in, and that user's client. A session that expired closes nothing: the last user reads and writes on, and
 * only sending waits.
 */
import { Auth, openClient, readIdentity, writeIdentity } from "../fieldsync/index.js";

/**
 * @typedef {import("../fieldsync/auth.js").Profile} Profile
 * @typedef {import("../schema").Schema} Schema What `www/schema.json` says: a field that it does not declare does not compile.
 * @typedef {import("../fieldsync/types").Client<Schema>} Sync
 * @typedef {import("../fieldsync/types").CollectionName<Schema>} CollectionName
 * @typedef {import("../fieldsync/types").RecordOf<Schema, "customers">} Customer
 * @typedef {import("../fieldsync/types").RecordOf<Schema, "pipelines">} Deal
 * @typedef {import("../fieldsync/types").RecordOf<Schema, "activities">} Activity
 */

/** Between the tabs of this app: who signed out. */
const CHANNEL = "fieldsync session";

export class Session {
  auth = new Auth(location.origin);
  #channel = new BroadcastChannel(CHANNEL);
  /** @type {Profile | undefined} */
  profile;
  /** @type {Sync | undefined} */
  client;

  constructor() {
    // On a shared phone no tab may go on showing the data of who signed out. Drafts are on the disk already.
    this.#channel.onmessage = ({ data }) => {
      if (data?.signedOut !== undefined && data.signedOut === this.profile?.id) location.reload();
    };
  }

  /** The user of the last visit, without a network. @returns {Promise<boolean>} */
  async resume() {
    const identity = await readIdentity().catch(() => undefined);
    if (!identity?.profile || identity.signedOut) return false;
    await this.#open(identity.profile);
    return true;
  }

  /** @param {string} username @param {string} password */
  async signIn(username, password) {
    const profile = await this.auth.signIn(username, password);
    if (this.client && this.profile?.id === profile.id) await this.client.signedIn();
    else await this.#open(profile); // Another user has another database.
  }

  /** Unsent work stays on this device, for this user. */
  async signOut() {
    // First: who closes the page in the middle of this is signed in still, or has left no report. A full disk keeps nobody signed in.
    await this.client?.signedOut().catch((failure) => console.warn("fieldsync: reports are still kept", failure));
    const identity = await readIdentity();
    if (identity) await writeIdentity({ ...identity, signedOut: true });
    this.#channel.postMessage({ signedOut: this.profile?.id });
    await this.auth.signOut();
    this.client?.close();
    this.client = undefined;
    this.profile = undefined;
  }

  /** @param {Profile} profile */
  async #open(profile) {
    this.client?.close();
    this.client = undefined;
    this.profile = profile;
    this.client = await openClient({
      server: location.origin,
      user: profile.id,
      profile,
      serviceWorker: "/sw.js",
      getAccessToken: (reason) => this.auth.accessToken(reason, profile.id),
    });
  }
}
