/** Records as the app reads them, and how it asks for them. Times are milliseconds since 1970. */
import type { ConflictKind } from "./conflicts.js";
import type { FieldsOf, IdIn } from "./schema.js";
import type { Problem } from "./status.js";

export type Value = null | boolean | number | string | Value[] | { [name: string]: Value };
export type Fields = { [name: string]: Value };

export type RecordStatus = "failed" | "conflict" | "sending" | "pending" | "synced";

/** A record of this collection, for whoever has the schema's type: `RecordOf<Schema, "customers">`. */
export type RecordOf<S, N extends string> = RecordView<N, FieldsOf<S, N>>;

/** What asks for records of this collection, and what is found. */
export type QueryOf<S, N extends string> = Query<N, FieldsOf<S, N>>;
export type RowsOf<S, N extends string> = Rows<N, FieldsOf<S, N>>;

/** A record as the app reads it. `fields` has no nulls: an absent field is null. */
export interface RecordView<N extends string = string, F = Fields, I extends string = IdIn<N>> {
  collection: N;
  id: I;
  fields: F;
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

export interface Query<N extends string = string, F = Fields> {
  where?: Where<F>;
  /** Fields; a leading `-` is descending. Text sorts folded: case and accents do not count. Equal records stand by id. */
  sort?: readonly Sort<F>[];
  limit?: number;
  /** The last record of the page before. */
  after?: RecordView<N, F>;
  /** Also those with an unsent delete. */
  withDeleted?: boolean;
  /** Words to look for, as in `search`; the best come first, unless there is a `sort`. */
  search?: string;
  /** References (fields with `refers_to`): the records that they name come with each record, in `included`. */
  include?: readonly (keyof F & string)[];
}
/**
 * All of it holds: each field is that value, or passes its conditions; `and`, `or` and `not` take more of the same. Null: the field
 * is absent.
 */
export type Where<F = Fields> = string extends keyof F
  ? { and?: Where[]; or?: Where[]; not?: Where } | { [field: string]: Value | Condition }
  : { [Key in keyof F]?: F[Key] | null | Condition<Exclude<F[Key], undefined>> } & { and?: readonly Where<F>[]; or?: readonly Where<F>[]; not?: Where<F> };
/** A field that has an order, or the same with a `-`. */
export type Sort<F = Fields> = string extends keyof F ? string : Ordered<F> extends infer Key extends string ? Key | `-${Key}` : never;
type Ordered<F> = { [Key in keyof F & string]-?: F[Key] extends object | undefined ? never : Key }[keyof F & string];
/**
 * All that are given hold. `eq`, `ne` and `in` compare to the letter; the others compare text folded. Nothing is neither less nor
 * greater than anything; `exists` says whether there is a value. Only a text begins with something or contains it, and only numbers and texts
 * are less or greater.
 */
export type Condition<T = Value> = Value extends T
  ? AnyCondition
  : { eq?: T | null; in?: readonly (T | null)[]; ne?: T | null; exists?: boolean } & (string extends T ? TextCondition : unknown) & (T extends number | string ? OrderCondition<T> : unknown);
interface AnyCondition {
  eq?: Value; ne?: Value; in?: Value[]; lt?: Value; lte?: Value; gt?: Value; gte?: Value;
  prefix?: string; contains?: string;
  exists?: boolean;
}
interface TextCondition { prefix?: string; contains?: string }
interface OrderCondition<T> { lt?: T; lte?: T; gt?: T; gte?: T }
/** A record that a new one may be a second of, and why: the field, and whether its value is the same or nearly. The strongest reason first. */
export interface Duplicate<N extends string = string, F = Fields> { record: RecordView<N, F>; reasons: { field: keyof F & string; kind: "same" | "similar" }[] }
export type Duplicates<N extends string = string, F = Fields> = Duplicate<N, F>[] & { complete: boolean };
/** An array of records that also says whether the collection, and those that it includes, are wholly on this device yet. */
export type Rows<N extends string = string, F = Fields> = RecordView<N, F>[] & { complete: boolean };
