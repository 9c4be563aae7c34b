/** The client that an app holds, and how it is opened. */
import type { BatchOf, CollectionClient, CollectionOf } from "./collection.js";
import type { Conflicts, Merged } from "./conflicts.js";
import type { HistoryEntry, Outbox } from "./outbox.js";
import type { Fields, Rows, Value } from "./records.js";
import type { AnySchema, CollectionName, UserId } from "./schema.js";
import type { Problem, SyncErrorCode, SyncStatus } from "./status.js";

export interface OpenOptions<S = AnySchema> {
  /** Where `/sync/v1` is. Default: where the page is. */
  server?: string;
  user: string | { id: string };
  /**
   * The app's schema, or where it is. Default: `{server}/sync/v1/schema`, kept for the next start. One that is written here, or
   * made with `defineSchema`, also gives the client its types.
   */
  schema?: S | object | string;
  /** An access token. "expired": the last one was refused. Undefined: sign in again. */
  getAccessToken(reason: "first" | "expired"): Promise<string | undefined>;
  /** The library's worker, or false. Default: `sw.js` beside the page. */
  serviceWorker?: string | false;
  /** Where the wasm is, if not beside the library. */
  wasm?: string | URL;
  /** Who signed in at our own server. With it, the worker can get a token itself, by the refresh cookie. */
  profile?: { id: string; username: string; name: string; role: string; team?: string };
}

/** What every client has. `Client<Schema>` also has the collections. */
export interface SyncClient<S = AnySchema> extends EventTarget {
  readonly status: SyncStatus;
  readonly user: UserId;
  readonly schema: AnySchema;
  /** UUID v7, for a form that opens: use it as `row` or `id`. */
  newId(): string;
  collection<N extends CollectionName<S>>(name: N): CollectionOf<S, N>;
  /** All or nothing. `tx.customers.create(…)` and so on only note down; the promise is of the commit. */
  batch(write: (tx: BatchOf<S>) => void, options?: { row?: string }): Promise<void>;
  /**
   * Records that match, the best first; of all collections that people write, or of these. Every word must be there, begin a word, or (if few
   * records have it so) be a typo or two away. `complete` is false as long as something is not here or not indexed yet.
   */
  search(text: string, options?: { collections?: CollectionName<S>[]; limit?: number }): Promise<Rows>;
  /** Somebody is about to search: begins the index, which then grows when the page is idle. The first search does the same. */
  prepareSearch(): void;
  /** Push and pull now; resolves when done or the time is up. */
  sync(): Promise<SyncStatus>;
  preview(): Promise<PreviewEntry[]>;
  readonly conflicts: Conflicts<S>;
  /** What rules decided, and set aside. */
  readonly merged: Merged<S>;
  readonly outbox: Outbox;
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
  /** Before the user signs out: forgets the reports that are kept. Everything else stays, and waits for this user. */
  signedOut(): Promise<void>;
  /** Takes the new version of the app (status "reload"): reloads the page once. */
  reload(): Promise<void>;
  /** For an app with a worker of its own: a new version of it waits. */
  updateReady(): void;
  close(): void;
  addEventListener<Name extends keyof SyncEvents<S>>(
    name: Name, listener: Listener<SyncEvents<S>[Name]> | null, options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof SyncEvents<S>>(
    name: Name, listener: Listener<SyncEvents<S>[Name]> | null, options?: boolean | EventListenerOptions,
  ): void;
}
type Listener<E> = ((event: E) => void) | { handleEvent(event: E): void };
/** The events of a client. */
export interface SyncEvents<S = AnySchema> {
  /** The status is another. */
  syncstatuschange: CustomEvent<SyncStatus>;
  /** Something in these collections changed. */
  change: CustomEvent<{ collections: CollectionName<S>[] }>;
  /** There are more conflicts than before. */
  conflict: CustomEvent<SyncStatus>;
  /** There is more that could not be sent than before. */
  failed: CustomEvent<SyncStatus>;
  /** A new version of the app waits. */
  reload: CustomEvent<null>;
}
/** A client with its collections: `sync.customers`. A collection never hides a member: `sync.collection("status")`. */
export type Client<S = AnySchema> = SyncClient<S> & Collections<S>;
type Collections<S> = string extends CollectionName<S>
  ? { readonly [collection: string]: CollectionClient }
  : { readonly [N in Exclude<CollectionName<S>, keyof SyncClient>]: CollectionOf<S, N> };
/** `at`: when the server made it. `error`: the code of why it is not new. */
/** Kept ones are given for 30 days; after that, while nobody answers, `get` fails with "too-old". */
/** What would become of a record's unsent changes; of one that would be refused, why. */
export interface PreviewEntry { collection: string; id: string; title: string; outcome: string; problem?: Problem }
export interface Report { data: Value; at: number; fresh: boolean; error?: SyncErrorCode }
export interface OtherDatabase { name: string; epoch?: string; unsent: number; lastUsedAt: number }
/** Opens the database of this server and user. */
export declare function openClient<const S = AnySchema>(options: OpenOptions<S>): Promise<Client<S>>;
