/** What has been sent and what has not, and what can go wrong. Times are milliseconds since 1970. */

/** RFC 9457 and what a client must know to act. Also made on the device, for a change that breaks a rule. */
export interface Problem {
  type: string; code: string; title: string; status: number; detail?: string; retryable: boolean;
  retry_after?: number; record?: [collection: string, id: string]; field?: string;
}

export type SyncState =
  | "signed-out" | "failed" | "conflict" | "offline" | "sending" | "waiting" | "stuck" | "first-sync" | "full" | "lost"
  | "outdated" | "reload" | "misconfigured" | "synced";

export interface SyncStatus {
  /** The state that leads the bar's line. */
  state: SyncState;
  /** Records with unsent changes. */
  pending: number;
  /** Of the pending: all that is unsent of them was sent, is done only with an answer, and has none yet. */
  unknown: number;
  sending: { done: number; total: number; name: string };
  failed: number;
  /** Records that need a choice; of them, those put off. */
  conflicts: number;
  putOff: number;
  /** Of the first sync. */
  progress?: { done: number; total: number; bytes: number };
  sentToday: number;
  /** What went with a cleared storage, until `acknowledgeLoss()`: at least so many changes, of at least so many records; last heard of then. */
  lost?: { changes: number; records: number; at: number };
  lastSyncedAt?: number;
  nextAttemptAt?: number;
  oldestUnsentAt?: number;
  /** State "stuck": records that could have gone for a quarter of an hour although the server answers, and since when. */
  stuck?: { records: number; since: number };
  /** The server that this database is for, once it has answered: its `server_epoch`. */
  serverEpoch?: string;
  /** Another server answers under its address: the client is about to go on with that one's database. */
  otherServer?: string;
  /** Records that the server sent and that this app cannot read: they are not shown, and the rest is. */
  unread?: number;
  /** The last 20: when, code, words for support, how often in a row. */
  errors: { at: number; code: string; detail: string; count: number }[];
  /** False where the browser cannot send with the app closed. */
  background: boolean;
}

export type SyncErrorCode =
  | "storage-full" | "storage-blocked" | "storage-closed" | "storage-corrupt" | "storage-newer" | "storage-unknown"
  | "invalid" | "too-large" | "conflict" | "in-flight" | "offline" | "timeout" | "server" | "misconfigured"
  | "signed-out" | "wrong-user" | "outdated" | "rejected" | "forbidden" | "not-found"
  | "not-known-yet" | "too-old";
export interface SyncError extends Error {
  name: "SyncError"; code: SyncErrorCode; retryable: boolean;
  /** The field concerned, for "invalid", "rejected", and "conflict" of a write of mode "online". */
  field?: string;
  /** Why the server refused a write of mode "online". */
  problem?: Problem; violations?: { field: string; rule: string }[]; cause?: unknown;
}
