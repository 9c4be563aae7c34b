/** The wasm class behind the client. Private to this folder and to the worker. JSON text crosses where records do. */
import type { Fields } from "./records.js";
import type { SyncStatus } from "./status.js";

export type Reason = "start" | "online" | "visible" | "pageshow" | "saved" | "timer" | "user" | "background" | "periodic" | "signed-in";
export interface EngineOptions {
  server: string; user: string;
  /** schema.json as text. */
  schema: string;
  /** Default: the first of this server and user. */
  database?: string;
  /** The server that it is for. */
  epoch?: string;
  /** False in the worker: no tables in memory, only cycles. */
  tables: boolean;
  getAccessToken(reason: "first" | "expired"): Promise<string | undefined>;
  /** Something to show changed: the status (ask for it), data (collections), engine state to pass on to other contexts. */
  onEvent(event: EngineEvent): void;
}
export type EngineEvent =
  | { kind: "status" }
  | { kind: "changed"; collections: string[] }
  /** What was changed is in the search index now. */
  | { kind: "searchable" }
  /** Something was committed: wake the other contexts with this message. */
  | { kind: "wake"; message: object }
  | { kind: "reload" };
export interface CycleReport {
  /** When to come again, if a time is known. */
  wakeAt?: number;
  /** Something sendable remains (not held back by a person's choice or a refusal). */
  unsent: boolean;
  /** When the earliest hold ends, if only held changes remain. */
  heldUntil?: number;
}
export interface EngineWrite {
  row: string; collection: string; id: string; action: "create" | "update" | "delete";
  /** What the user saw: version 0 and no fields for a create. */
  seen: { version: number; fields: Fields };
  written: Fields;
}
export declare class PreparedDatabase {
  close(): void;
  free(): void;
}
export declare class Engine {
  /** Opens a database, and reads what an engine with tables begins with: before the schema is at hand. */
  static prepare(database: string): Promise<PreparedDatabase>;
  /** `prepared`: if it is of the same database, it is used up. */
  static open(options: EngineOptions, prepared?: PreparedDatabase): Promise<Engine>;
  /** Reads all pages into memory: opening reads only what is unsent and the heads of the last lists. May be called again if it rejects. */
  load(): Promise<void>;
  isLoaded(): boolean;
  /** Whether there is something to show for this list: everything is in memory, or it has a head. */
  canShow(collection: string, query: string): boolean;
  /** Brings a record into memory before its turn. If it is not there then, only `load` can tell what is. */
  bring(collection: string, id: string): Promise<boolean>;
  /** Whether to call `keepHeads`, when the page is idle. */
  wantsHeads(): boolean;
  keepHeads(): Promise<void>;
  newId(): string;
  /** Several writes are one group. */
  save(writes: EngineWrite[], holdMs?: number): Promise<string | undefined>;
  /** JSON of a RecordView, or undefined. */
  get(collection: string, id: string): string | undefined;
  /** JSON of { complete, records, lastSyncedAt }, in this order; the records are without `lastSyncedAt`. */
  list(collection: string, query: string): string;
  /** JSON of the same, to JSON of { text, collections, limit }. */
  search(wanted: string): string;
  /** JSON of { complete, found }, to JSON of { fields, id, limit }. */
  duplicates(collection: string, draft: string): string;
  beginSearch(): void;
  /** Indexes so many records; how many are left. */
  searchStep(recordsMax: number): number;
  searchPending(): number;
  count(collection: string, query: string): number;
  status(): SyncStatus;
  /** Whether this reason leads to a cycle now; without one there is nothing to lock for. */
  wants(reason: Reason): boolean;
  /** Whether to ask for little at once: the user or the network wants less traffic. */
  spare(data: boolean): void;
  /** One cycle: the caller holds the Web Lock. Never rejects for a failure of the network. */
  cycle(reason: Reason): Promise<CycleReport>;
  /** Whether to call `repair`, under the stolen lock: asked about once a minute while the page is seen. */
  wantsRepair(): boolean;
  repair(): Promise<void>;
  /** Another context committed something (with its message, if there was one). Fires onEvent for what changed. */
  refresh(message?: object): Promise<void>;
  /** JSON. */
  conflicts(): string;
  conflictGroups(): string;
  /** JSON of `{collection, id, version, choices}`; gives JSON of what it would break. */
  check(decision: string): string;
  resolve(decision: string, holdMs?: number): Promise<string>;
  /** JSON of many; gives JSON { undo, moved, unfit }. */
  decide(decisions: string, holdMs?: number): Promise<string>;
  putOff(collection: string, id: string, version: number): Promise<void>;
  /** JSON. */
  merged(): string;
  looked(collection: string, id: string): Promise<void>;
  /** JSON. */
  outbox(): string;
  retry(row: string): Promise<void>;
  /** JSON { done, undo }: `undo` is given back to `restore`. */
  discard(row: string): Promise<string>;
  undo(row: string): Promise<string>;
  restore(undo: string): Promise<void>;
  exportUnsent(): Promise<string>;
  history(limit: number): Promise<string>;
  preview(): Promise<string>;
  /** JSON of a Selection; of SelectionChanges; of a SelectionPreview. */
  selection(): string;
  select(changes: string): Promise<void>;
  previewSelection(changes: string): Promise<string>;
  pause(paused: boolean): Promise<void>;
  /** JSON of a Report. */
  report(name: string): Promise<string>;
  forgetReports(): Promise<void>;
  draft(form: string): Promise<string | undefined>;
  putDraft(form: string, json: string): Promise<void>;
  removeDraft(form: string): Promise<void>;
  diagnostics(): Promise<string>;
  acknowledgeLoss(): Promise<void>;
  /** Says to the server that this database is deleted now. Rejects if it was not told. */
  goodbye(): Promise<void>;
  close(): void;
  free(): void;
}
