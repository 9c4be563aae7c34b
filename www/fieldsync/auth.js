/**
 * Signing in at our own server. The access token lives in memory only, one in each context; the refresh token is an
 * HttpOnly cookie that no script can read. Page and worker share this file, and refresh one at a time under a Web Lock.
 *
 * @typedef {{ id: string, username: string, name: string, role: string, team?: string }} Profile
 * @typedef {{ access_token: string, expires_at: number, profile: Profile, server_time: number, server_epoch: string }} TokenAnswer
 */
import { withLock } from "./cycle.js";
import { SyncError } from "./errors.js";

const TIMEOUT_MS = 15_000;
/** A token this near its end is not worth a request. */
const MARGIN_MS = 30_000;
const REFRESH_STEAL_MS = 20_000;

export class Auth {
  /** @type {TokenAnswer | undefined} */
  #token;
  /** Ends of tokens are the server's times; this is its clock less ours. */
  #offset = 0;
  #server;

  /** @param {string} [server] Its origin; default: where the page is. */
  constructor(server = "") {
    this.#server = server;
  }

  /** @param {string} username @param {string} password @returns {Promise<Profile>} */
  async signIn(username, password) {
    const answer = await this.#ask("POST", { grant: "password", username, password });
    if (!answer) throw new SyncError("signed-out", "the name or the password is wrong");
    return answer.profile;
  }

  /**
   * For `openClient({ getAccessToken })`. Undefined: sign in again. Rejects if the server cannot be asked now.
   * @param {"first" | "expired"} reason
   * @param {string} user A token of anybody else is none: another user may have signed in meanwhile.
   */
  async accessToken(reason, user) {
    const refused = reason === "expired" ? this.#token?.access_token : undefined;
    const answer = await withLock(
      `fieldsync-auth:${this.#server}`,
      async () => {
        if (this.#usable() && this.#token?.access_token !== refused) return this.#token;
        return this.#ask("POST", { grant: "refresh" });
      },
      REFRESH_STEAL_MS,
    );
    return answer?.profile.id === user ? answer.access_token : undefined;
  }

  /** Whether a cookie from an earlier visit still signs in. @returns {Promise<Profile | undefined>} */
  async resume() {
    return (await this.#ask("POST", { grant: "refresh" }))?.profile;
  }

  async signOut() {
    this.#token = undefined;
    await this.#request("DELETE").catch(() => {}); // Offline: the cookie stays, and the next sign-in replaces it.
  }

  /** The users of a demo server, or none. @returns {Promise<{ username: string, name: string, role: string, password: string }[]>} */
  async demoUsers() {
    try {
      const response = await fetch(`${this.#server}/auth/v1/demo`, { signal: within(TIMEOUT_MS) });
      return response.ok ? (await response.json()).users : [];
    } catch {
      return [];
    }
  }

  #usable() {
    return !!this.#token && this.#token.expires_at - this.#offset - MARGIN_MS > Date.now();
  }

  /** @param {"POST"} method @param {object} body @returns {Promise<TokenAnswer | undefined>} Undefined: refused. */
  async #ask(method, body) {
    let response, answer;
    try {
      response = await this.#request(method, body);
      answer = await response.json();
    } catch (cause) {
      throw new SyncError("offline", "the server cannot be reached", { retryable: true, cause });
    }
    // A captive portal answers too: only what names the server's lifetime is ours.
    if (typeof answer?.server_epoch !== "string")
      throw new SyncError("server", "that was not our server", { retryable: true });
    if (response.status === 401) return (this.#token = undefined);
    if (response.status === 429) throw new SyncError("server", "too many tries; wait a minute", { retryable: true });
    if (!response.ok) throw new SyncError("server", answer.title ?? `status ${response.status}`, { retryable: true });
    this.#offset = answer.server_time - Date.now();
    return (this.#token = answer);
  }

  /** @param {string} method @param {object} [body] */
  #request(method, body = {}) {
    return fetch(`${this.#server}/auth/v1/token`, {
      method,
      credentials: "include",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      signal: within(TIMEOUT_MS),
    });
  }
}

/** `AbortSignal.timeout` is younger than the oldest browser that we serve. @param {number} ms */
function within(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}
