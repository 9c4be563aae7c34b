/** One collection, as the app uses it. */
import type { Duplicates, Fields, Query, RecordView, Rows } from "./records.js";
import type { BatchName, BatchPatchOf, CollectionName, FieldsOf, IdIn, NewOf, OnlineName, PatchOf } from "./schema.js";

/** What can be asked of a collection; of one of mode "remote" it is all. */
export interface CollectionReader<N extends string = string, F = Fields> {
  get(id: IdIn<N>): Promise<RecordView<N, F> | undefined>;
  list(query?: Query<N, F>): Promise<Rows<N, F>>;
  count(query?: Query<N, F>): Promise<number>;
  /** Records that match, the best first; see `SyncClient.search`. */
  search(text: string, options?: { limit?: number }): Promise<Rows<N, F>>;
  /**
   * Records that a new one with these fields may be a second of, the likeliest first: of nearly the same name, or with the same
   * value in a field that identifies (`normalise` phone, lower or upper, or `unique`). `id`: the new one's own, if it may be saved already.
   */
  duplicates(fields: Partial<F>, options?: { id?: IdIn<N>; limit?: number }): Promise<Duplicates<N, F>>;
  /** Calls back at once (right after the start: as soon as it can) and whenever the result changed, in every tab. Returns how to stop. */
  watch(query: Query<N, F>, callback: (rows: Rows<N, F>) => void): () => void;
}
/** `sync.customers`: one for each collection of the schema. */
export interface CollectionClient<N extends string = string, F = Fields, New = Fields, Patch = Fields> extends CollectionReader<N, F> {
  /**
   * Resolves when committed on this device. The same `id` (or `row`) twice is one change.
   *
   * What is written with mode "online" (the schema says which collections and fields) goes by itself, and these three resolve on
   * the server's answer; else they reject: "offline" (or what stands in the way) if nobody would answer, "conflict" or
   * "rejected" if it is not done, "not-known-yet" if no answer came: it is asked for again, and until then the record has `unknown`.
   */
  create(fields: New, options?: WriteOptions & { id?: IdIn<N> }): Promise<RecordView<N, F>>;
  /** `record` as it was read: what the user saw. */
  update(record: RecordView<N, F>, patch: Patch, options?: WriteOptions): Promise<RecordView<N, F>>;
  remove(record: RecordView<N, F>, options?: WriteOptions): Promise<void>;
}
export interface WriteOptions {
  /** The change's own id, made when the form opens: Save pressed twice is one change. */
  row?: string;
  /** Keep it back this long, for Undo (at most 6,000 ms). */
  holdMs?: number;
}

/** The client of one collection of a schema. */
export type CollectionOf<S, N extends string> = string extends CollectionName<S>
  ? CollectionClient
  : N extends BatchName<S> | OnlineName<S>
    ? CollectionClient<N, FieldsOf<S, N>, NewOf<S, N>, PatchOf<S, N>>
    : CollectionReader<N, FieldsOf<S, N>>;

/** What is noted down for one commit. */
export interface BatchCollection<N extends string = string, F = Fields, New = Fields, Patch = Fields> {
  create(fields: New, options?: { id?: IdIn<N> }): IdIn<N>;
  update(record: RecordView<N, F>, patch: Patch): void;
  remove(record: RecordView<N, F>): void;
}
/** The collections that a batch may write: those of mode "online" go by themselves. */
export type BatchOf<S> = string extends BatchName<S>
  ? { readonly [collection: string]: BatchCollection }
  : { readonly [N in BatchName<S>]: BatchCollection<N, FieldsOf<S, N>, NewOf<S, N>, BatchPatchOf<S, N>> };
