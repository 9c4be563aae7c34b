/**
 * What the library gives to an app, and what its parts say to each other. Times are milliseconds since 1970.
 * Words as in the specification: record, change, outbox, conflict, resolution.
 */

export type Value = null | boolean | number | string | Value[] | { [name: string]: Value };
export type Fields = { [name: string]: Value };

export type RecordStatus = "failed" | "conflict" | "sending" | "pending" | "synced";

/** A record as the app reads it. `fields` has no nulls: an absent field is null. */
export interface RecordView {
  collection: string;
  id: string;
  fields: Fields;
  /** What the server last confirmed; 0 for a record that it has not seen. What the user sees when a form opens. */
  version: number;
  status: RecordStatus;
  /** What the outbox will do with it. */
  pending?: "create" | "update" | "delete";
  /** What is to be decided (status "conflict"). */
  conflict?: ConflictKind;
  /** That was put off. */
  putOff?: boolean;
  /** A rule set a value aside, and nobody has looked at it since: news, until `merged.looked(record)`. */
  merged?: boolean;
  /** Its newest change is held back for Undo. */
  held?: boolean;
  /** Something was asked for that is done only with an answer, and there is none: it is not known yet whether it was done. */
  unknown?: boolean;
  /** The record that it waits for. */
  blockedBy?: string;
  /** Why it could not be sent (status "failed"). */
  problem?: Problem;
  /** When the server last changed it, and who did. */
  at?: number;
  by?: By;
  /** When this device last changed it. */
  localUpdatedAt?: number;
  /** When the collection was last pulled whole. */
  lastSyncedAt?: number;
  /** Values that a rule set aside, as long as what won stands in their place. `merged.putBack(record, …)` writes one again. */
  setAside?: SetAside[];
  /** What the server will probably refuse, as far as the other records on this device tell. From `get`, not from `list`. */
  warnings?: Warning[];
  /** Of a query's `include`: by field, the record that it refers to, if it is here; of a list, those that are. */
  included?: { [field: string]: RecordView | RecordView[] };
}

/** `rule` "reference": there is no such record. "unique": another record has the value. */
export interface Warning { field: string; rule: string }
export interface By { id: string; name: string; role: string; device?: string }
/** `field` as in `ConflictField`. `value` was mine, or the server's; `won` stands in its place. `at` and `by`: of the one of the two that was not mine. */
export interface SetAside { field: string; value: Value; mine: boolean; won: Value; at?: number; by?: By; seen?: boolean }

/** RFC 9457 and what a client must know to act. Also made on the device, for a change that breaks a rule. */
export interface Problem {
  type: string; code: string; title: string; status: number; detail?: string; retryable: boolean;
  retry_after?: number; record?: [collection: string, id: string]; field?: string;
}

export interface Query {
  where?: Where;
  /** Fields; a leading `-` is descending. Text sorts folded: case and accents do not count. Equal records stand by id. */
  sort?: string[];
  limit?: number;
  /** The last record of the page before. */
  after?: RecordView;
  /** Also those with an unsent delete. */
  withDeleted?: boolean;
  /** Words to look for, as in `search`; the best come first, unless there is a `sort`. */
  search?: string;
  /** References (fields with `refers_to`): the records that they name come with each record, in `included`. */
  include?: string[];
}
/** All of it holds: each field is that value, or passes its conditions; `and`, `or` and `not` take more of the same. */
export type Where = { and?: Where[]; or?: Where[]; not?: Where } | { [field: string]: Value | Condition };
/**
 * All that are there hold. `eq`, `ne` and `in` compare to the letter; the others compare text folded. Nothing is neither less nor
 * greater than anything.
 */
export interface Condition {
  eq?: Value; ne?: Value; in?: Value[]; lt?: Value; lte?: Value; gt?: Value; gte?: Value;
  prefix?: string; contains?: string;
  /** Whether there is a value. */
  exists?: boolean;
}
/** A record that a new one may be a second of, and why: the field, and whether its value is the same or nearly. The strongest reason first. */
export interface Duplicate { record: RecordView; reasons: { field: string; kind: "same" | "similar" }[] }
export type Duplicates = Duplicate[] & { complete: boolean };
/** An array of records that also says whether the collection, and those that it includes, are wholly on this device yet. */
export type Rows = RecordView[] & { complete: boolean };

export type SyncState =
  | "signed-out" | "failed" | "conflict" | "offline" | "sending" | "waiting" | "stuck" | "first-sync" | "full" | "lost"
  | "outdated" | "reload" | "misconfigured" | "synced";

export interface SyncStatus {
  /** The state that leads the bar's line. */
  state: SyncState;
  /** Records with unsent changes. */
  pending: number;
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
  /** The last 20: when, code, words for support, how often in a row. */
  errors: { at: number; code: string; detail: string; count: number }[];
  /** False where the browser cannot send with the app closed. */
  background: boolean;
}

export type SyncErrorCode =
  | "storage-full" | "storage-blocked" | "storage-closed" | "storage-corrupt" | "storage-newer" | "storage-unknown"
  | "invalid" | "too-large" | "conflict" | "in-flight" | "offline" | "timeout" | "server" | "misconfigured"
  | "signed-out" | "wrong-user" | "outdated" | "rejected" | "forbidden" | "not-found"
  | "not-known-yet";
export interface SyncError extends Error {
  name: "SyncError"; code: SyncErrorCode; retryable: boolean;
  /** The field concerned, for "invalid", "rejected", and "conflict" of a write of mode "online". */
  field?: string;
  /** Why the server refused a write of mode "online". */
  problem?: Problem; violations?: { field: string; rule: string }[]; cause?: unknown;
}

/** A record whose merge needs a person. As it was listed, it names what was shown. */
export interface Conflict {
  collection: string;
  id: string;
  kind: ConflictKind;
  title: string;
  /** The version of theirs that is shown. */
  version: number;
  /** Fields that need a choice. */
  fields: ConflictField[];
  /** If one side deleted it, what the other one has changed. */
  changed?: ConflictField[];
  /** Fields of theirs that were taken without asking: for the foldable list. */
  mergedFields: { field: string; value: Value; at?: number; by?: By; here?: boolean }[];
  /** What a rule decided. */
  setAside?: SetAside[];
  /** Theirs. `here`: from this very device. */
  at?: number; by?: By; here?: boolean;
  /** Mine: when, on this device. */
  savedAt: number;
  putOff: boolean;
  /** Mine is a create of an id that was there: the choice `{ "*": "two" }` makes two records of them, mine under a new id. */
  madeTwice?: boolean;
  /** Mine and theirs, whole. */
  mine: Fields | null;
  theirs: Fields | null;
}
/** `field` is a field's name; of one that is merged by member, the member's behind a dot: `hours.monday`. */
export interface ConflictField { field: string; before: Value; mine: Value; theirs: Value; at?: number; by?: By; here?: boolean }
/** "fields": both changed one. "deleted-by-them": I edited what they deleted. "deleted-by-me": they edited what I deleted. */
export type ConflictKind = "fields" | "deleted-by-them" | "deleted-by-me";
/** Conflicts of one cause: one person did one thing (`kind`, `fields`) to these records, in one commit or within a minute from one to the next. */
export interface ConflictGroup {
  key: string; collection: string; kind: ConflictKind; madeTwice?: boolean; fields: string[];
  at?: number; by?: By; here?: boolean;
  conflicts: Conflict[];
}
/** A record of which a rule set something aside that still stands so. Without `mergedAt` it is not sent yet. */
export interface MergedEntry { collection: string; id: string; title: string; mergedAt?: number; setAside: SetAside[] }
/** Per `field` of the conflict "mine", "theirs" or a value; for a whole record (`deleted-…`) the one key "*"; "two" there, if `madeTwice`. */
export type Choices = { [field: string]: "mine" | "theirs" | "two" | { value: Value } };

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

/** `sync.customers`: one for each collection of the schema. */
export interface CollectionClient {
  /**
   * Resolves when committed on this device. The same `id` (or `row`) twice is one change.
   *
   * What is written with mode "online" (the schema says which collections and fields) goes by itself, and these three resolve on
   * the server's answer; else they reject: "offline" (or what stands in the way) if nobody would answer, "conflict" or
   * "rejected" if it is not done, "not-known-yet" if no answer came: it is asked for again, and until then the record has `unknown`.
   */
  create(fields: Fields, options?: WriteOptions & { id?: string }): Promise<RecordView>;
  /** `record` as it was read: what the user saw. */
  update(record: RecordView, patch: Fields, options?: WriteOptions): Promise<RecordView>;
  remove(record: RecordView, options?: WriteOptions): Promise<void>;
  get(id: string): Promise<RecordView | undefined>;
  list(query?: Query): Promise<Rows>;
  count(query?: Query): Promise<number>;
  /** Records that match, the best first; see `SyncClient.search`. */
  search(text: string, options?: { limit?: number }): Promise<Rows>;
  /**
   * Records that a new one with these fields may be a second of, the likeliest first: of nearly the same name, or with the same
   * value in a field that identifies (`normalise` phone, lower or upper, or `unique`). `id`: the new one's own, if it may be saved already.
   */
  duplicates(fields: Fields, options?: { id?: string; limit?: number }): Promise<Duplicates>;
  /** Calls back at once and whenever the result changed, in every tab. Returns how to stop. */
  watch(query: Query, callback: (rows: Rows) => void): () => void;
}
export interface WriteOptions {
  /** The change's own id, made when the form opens: Save pressed twice is one change. */
  row?: string;
  /** Keep it back this long, for Undo (at most 6,000 ms). */
  holdMs?: number;
}

export interface OpenOptions {
  /** Where `/sync/v1` is. Default: where the page is. */
  server?: string;
  user: string | { id: string };
  /** The app's schema, or where it is. Default: `{server}/sync/v1/schema`, kept for the next start. */
  schema?: object | string;
  /** An access token. "expired": the last one was refused. Undefined: sign in again. */
  getAccessToken(reason: "first" | "expired"): Promise<string | undefined>;
  /** The library's worker, or false. Default: `sw.js` beside the page. */
  serviceWorker?: string | false;
  /** Where the wasm is, if not beside the library. */
  wasm?: string | URL;
  /** Who signed in at our own server. With it, the worker can get a token itself, by the refresh cookie. */
  profile?: { id: string; username: string; name: string; role: string; team?: string };
}

export interface SyncClient extends EventTarget {
  readonly status: SyncStatus;
  readonly user: string;
  readonly schema: { schema: number; collections: { name: string; title: string; fields: object }[] };
  /** UUID v7, for a form that opens: use it as `row` or `id`. */
  newId(): string;
  collection(name: string): CollectionClient;
  /**
   * Records that match, the best first; of all collections that people write, or of these. Every word must be there, begin a word, or (if few
   * records have it so) be a typo or two away. `complete` is false as long as something is not here or not indexed yet.
   */
  search(text: string, options?: { collections?: string[]; limit?: number }): Promise<Rows>;
  /** Somebody is about to search: begins the index, which then grows when the page is idle. The first search does the same. */
  prepareSearch(): void;
  /** All or nothing. `tx.customers.create(…)` and so on only note down; the promise is of the commit. */
  batch(write: (tx: { [collection: string]: BatchCollection }) => void, options?: { row?: string }): Promise<void>;
  /** Push and pull now; resolves when done or the time is up. */
  sync(): Promise<SyncStatus>;
  preview(): Promise<{ collection: string; id: string; title: string; outcome: string }[]>;
  conflicts: {
    list(): Promise<Conflict[]>;
    /** The same by cause, the newest first. */
    groups(): Promise<ConflictGroup[]>;
    /** What rules these choices would break. */
    check(conflict: Conflict, choices: Choices): Promise<{ field: string; rule: string }[]>;
    /**
     * `conflict` as it was listed. Rejects with code "conflict" if theirs moved: list again; with "invalid" if a choice breaks
     * a rule. Returns how to undo, which works until it is on its way: `holdMs` (at most 6,000) keeps it back.
     */
    resolve(conflict: Conflict, choices: Choices, options?: { holdMs?: number }): Promise<{ undo(): Promise<void> }>;
    /** All in one go, each "mine" or "theirs" as a whole. What moved meanwhile, or would break a rule, is left and named. */
    resolveAll(
      conflicts: Conflict[], choice: "mine" | "theirs", options?: { holdMs?: number },
    ): Promise<{ undo(): Promise<void>; decided: number; moved: string[]; unfit: string[] }>;
    putOff(conflict: Conflict): Promise<void>;
  };
  /** What rules decided, and set aside. */
  merged: {
    list(): Promise<MergedEntry[]>;
    /** A person has looked at it: `record.merged` is over, in every tab. */
    looked(record: { collection: string; id: string }): Promise<void>;
    /** Writes the value again, as a new change. Rejects with code "not-found" if nothing of the field stands aside any more. */
    putBack(record: { collection: string; id: string }, lost: { field: string; value: Value }, options?: WriteOptions): Promise<RecordView>;
  };
  outbox: {
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
  };
  /** What is kept for other servers that had this address: of how many records there is unsent work. It goes when that server is back. */
  otherDatabases(): Promise<OtherDatabase[]>;
  history: { list(limit?: number): Promise<HistoryEntry[]> };
  /** New if the server answers, else the last one that it gave this user here. Rejects if there is neither. */
  reports: { get(name: string): Promise<Report> };
  drafts: { get(form: string): Promise<Fields | undefined>; put(form: string, value: Fields): Promise<void>; remove(form: string): Promise<void> };
  diagnostics(): Promise<object>;
  /** The user knows what was lost: state "lost" is over. */
  acknowledgeLoss(): Promise<void>;
  /**
   * Deletes this user's data from this device, unsent work too, also that for other servers of this address, and closes the client. The server is told if it can be reached, so
   * that nothing is called lost later.
   */
  forget(): Promise<void>;
  /** After a new sign-in: sends what waits. */
  signedIn(): Promise<void>;
  /** Takes the new version of the app (status "reload"): reloads the page once. */
  reload(): Promise<void>;
  close(): void;
}
/** `at`: when the server made it. `error`: the code of why it is not new. */
export interface Report { data: Value; at: number; fresh: boolean; error?: SyncErrorCode }
export interface OtherDatabase { name: string; epoch?: string; unsent: number; lastUsedAt: number }
export interface BatchCollection {
  create(fields: Fields, options?: { id?: string }): string;
  update(record: RecordView, patch: Fields): void;
  remove(record: RecordView): void;
}
/** Events of a SyncClient: "syncstatuschange" (detail SyncStatus), "change" (detail {collections}), "conflict", "failed", "reload". */
export function openClient(options: OpenOptions): Promise<SyncClient & { [collection: string]: CollectionClient }>;

// ---- The wasm class behind it. Private to this folder and to the worker. JSON text crosses where records do. ----

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
export declare class Engine {
  static open(options: EngineOptions): Promise<Engine>;
  newId(): string;
  /** Several writes are one group. */
  save(writes: EngineWrite[], holdMs?: number): Promise<void>;
  /** JSON of a RecordView, or undefined. */
  get(collection: string, id: string): string | undefined;
  /** JSON of the same, to JSON of { text, collections, limit }. */
  search(wanted: string): string;
  /** JSON of { complete, found }, to JSON of { fields, id, limit }. */
  duplicates(collection: string, draft: string): string;
  beginSearch(): void;
  /** Indexes so many records; how many are left. */
  searchStep(recordsMax: number): number;
  searchPending(): number;
  /** JSON of { complete, records, lastSyncedAt }, in this order; the records are without `lastSyncedAt`. */
  list(collection: string, query: string): string;
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
  /** JSON of a Report. */
  report(name: string): Promise<string>;
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
