/** What needs a person, and what rules decided. */
import type { By, Fields, RecordView, SetAside, Value } from "./records.js";
import type { AnySchema, CollectionName, FieldsOf, IdIn, PlacesOf } from "./schema.js";
import type { WriteOptions } from "./collection.js";

/** A conflict of this collection, or of any: `conflict.collection` tells them apart. */
export type ConflictOf<S, N extends string = CollectionName<S>> = N extends string ? Conflict<N, FieldsOf<S, N>, ConflictField<PlacesOf<S, N>>> : never;
/** What can be chosen in a conflict of this collection. */
export type ChoicesOf<S, N extends string = CollectionName<S>> = N extends string ? Choices<PlacesOf<S, N>> : never;

/** A record whose merge needs a person. As it was listed, it names what was shown. */
export interface Conflict<N extends string = string, F = Fields, Field = ConflictField, I extends string = IdIn<N>> {
  collection: N;
  id: I;
  kind: ConflictKind;
  title: string;
  /** The version of theirs that is shown. */
  version: number;
  /** Fields that need a choice. */
  fields: Field[];
  /** If one side deleted it, what the other one has changed. */
  changed?: Field[];
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
  mine: F | null;
  theirs: F | null;
}
/** `field` is a field's name; of one that is merged by member, the member's behind a dot: `hours.monday`. */
export type ConflictField<P = Fields> = { [Place in keyof P & string]-?: FieldOfConflict<Place, P[Place]> }[keyof P & string];
interface FieldOfConflict<Place extends string, T> {
  field: Place; before: T | null; mine: T | null; theirs: T | null; at?: number; by?: By; here?: boolean;
}
/** "fields": both changed one. "deleted-by-them": I edited what they deleted. "deleted-by-me": they edited what I deleted. */
export type ConflictKind = "fields" | "deleted-by-them" | "deleted-by-me";
/** Conflicts of one cause: one person did one thing (`kind`, `fields`) to these records, in one commit or within a minute from one to the next. */
export interface ConflictGroup<S = AnySchema> {
  key: string; collection: CollectionName<S>; kind: ConflictKind; madeTwice?: boolean; fields: string[];
  at?: number; by?: By; here?: boolean;
  conflicts: ConflictOf<S>[];
}
/** A record of which a rule set something aside that still stands so. Without `mergedAt` it is not sent yet. */
export interface MergedEntry<S = AnySchema> { collection: CollectionName<S>; id: string; title: string; mergedAt?: number; setAside: SetAside[] }
/** Per `field` of the conflict "mine", "theirs" or a value; for a whole record (`deleted-…`) the one key "*"; "two" there, if `madeTwice`. */
export type Choices<P = Fields> = string extends keyof P
  ? { [field: string]: "mine" | "theirs" | "two" | { value: Value } }
  : { [Place in keyof P]?: "mine" | "theirs" | { value: P[Place] | null } } & { "*"?: "mine" | "theirs" | "two" };
/** What needs a person. */
export interface Conflicts<S = AnySchema> {
  list(): Promise<ConflictOf<S>[]>;
  /** The same by cause, the newest first. */
  groups(): Promise<ConflictGroup<S>[]>;
  /** What rules these choices would break. */
  check<C extends Conflict>(conflict: C, choices: ChoicesOf<S, C["collection"]>): Promise<{ field: string; rule: string }[]>;
  /**
   * `conflict` as it was listed. Rejects with code "conflict" if theirs moved: list again; with "invalid" if a choice breaks
   * a rule. Returns how to undo, which works until it is on its way: `holdMs` (at most 6,000) keeps it back.
   */
  resolve<C extends Conflict>(
    conflict: C, choices: ChoicesOf<S, C["collection"]>, options?: { holdMs?: number },
  ): Promise<{ undo(): Promise<void> }>;
  /** All in one go, each "mine" or "theirs" as a whole. What moved meanwhile, or would break a rule, is left and named. */
  resolveAll(
    conflicts: Conflict[], choice: "mine" | "theirs", options?: { holdMs?: number },
  ): Promise<{ undo(): Promise<void>; decided: number; moved: string[]; unfit: string[] }>;
  putOff(conflict: Conflict): Promise<void>;
}
/** What rules decided, and set aside. */
export interface Merged<S = AnySchema> {
  list(): Promise<MergedEntry<S>[]>;
  /** A person has looked at it: `record.merged` is over, in every tab. */
  looked(record: { collection: string; id: string }): Promise<void>;
  /** Writes the value again, as a new change. Rejects with code "not-found" if nothing of the field stands aside any more. */
  putBack(record: { collection: string; id: string }, lost: { field: string; value: Value }, options?: WriteOptions): Promise<RecordView>;
}
