/** What is not sent yet, and what was. */
import type { By, Fields, RecordStatus, Value, Warning } from "./records.js";
import type { Problem } from "./status.js";

/** One unsent record in the sync centre. */
export interface OutboxEntry {
  collection: string; id: string; title: string; status: RecordStatus;
  action: "create" | "update" | "delete";
  /** Row ids of its changes, oldest first, with when each was saved and what it wrote. */
  changes: { row: string; savedAt: number; action: string; written: Fields; group?: string; held: boolean }[];
  /** Nothing but the next cycle; Undo's time; a choice; mending; the server (see `nextAttemptAt`); its word on what became of it; another record. */
  waits: "turn" | "undo" | "choice" | "mending" | "server" | "outcome" | "record";
  warnings?: Warning[];
  problem?: Problem; attempts: number; nextAttemptAt?: number; blockedBy?: string;
  /** Asked for while offline, done when the outcome is known. */
  then?: "discard";
  /** It is not this user's any more: by whom and when; `key` is the same for all that the same deed took. */
  revoked?: { key: string; at?: number; by?: By; here?: boolean };
}
export interface HistoryEntry {
  at: number; end: "confirmed" | "resolved" | "discarded"; collection: string; id: string; title: string;
  setAside?: { field: string; value: Value; mine: boolean }[];
}
/** What is not sent yet. */
export interface Outbox {
  list(): Promise<OutboxEntry[]>;
  /** Rejects with code "invalid" (its `violations` say field and rule) or "forbidden" if it must be mended before it can be sent. */
  retry(row: string): Promise<void>;
  /** Of every record that could not be sent: those that are tried again, and those that must be mended first. */
  retryAll(): Promise<{ tried: OutboxEntry[]; unfit: OutboxEntry[] }>;
  /**
   * "later": the parcel's outcome is unknown; it is asked first, and then done. Undo appends what was discarded again, or
   * leaves the parcel as it was. Rejects with code "conflict" if it is too late.
   */
  discard(row: string): Promise<{ done: "now" | "later"; undo(): Promise<void> }>;
  /** The same of every record that could not be sent, or of those of these entries, with one undo for all. */
  discardAll(entries?: OutboxEntry[]): Promise<{ discarded: OutboxEntry[]; done: "now" | "later"; undo(): Promise<void> }>;
  undo(row: string): Promise<{ done: "now" | "later" }>;
  /** Unsent work as JSON text; of another database, by its name. */
  export(database?: string): Promise<string>;
  /** The same of some records: their changes, and the parcels that carry any of them, whole. */
  exportOf(...records: { collection: string; id: string }[]): Promise<string>;
}
