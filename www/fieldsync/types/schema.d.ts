/**
 * The app's schema, and what follows from it for the types of its records. With the schema's literal type (`defineSchema`, a schema
 * written where `openClient` is called, or the file that `schema-types.mjs` makes) a field that is not declared does not compile. With
 * any other (a schema that comes from the server, a JSON import) the types are loose: any collection, any field.
 */
import type { Fields, Value } from "./records.js";

declare const of: unique symbol;
/**
 * A record's id. It is a string, and any string will do where one is wanted; but the id of a record of another collection, which the
 * types know, will not.
 */
export type Id<Collection extends string> = string & { readonly [of]?: Collection };
/** The same, where the collection may not be known: then it is a string like any other. */
export type IdIn<Collection extends string> = string extends Collection ? string : Id<Collection>;
/** A user's id. Any string will do, but not a record's id. */
export type UserId = string & { readonly [of]?: { readonly user: true } };

// ---- The file. ----

/** What `schema.json` may say; docs/offline-architecture.md explains it. */
export interface SchemaFile {
  /** Its number: raised when a field changes its meaning. */
  readonly schema: number;
  /** Parents before children: the order of the first sync. */
  readonly collections: readonly CollectionSpec[];
}
export interface CollectionSpec {
  readonly name: string;
  /** The field that names a record to a person. */
  readonly title: string;
  /** When more waits than fits a batch, the lower goes first. Default 5. */
  readonly priority?: number;
  readonly mode?: Mode;
  readonly access?: { readonly kind: "owner" | "via"; readonly field: string } | { readonly kind: "everyone" };
  /** The field of type "time" that says of which day a record is: "the last N days" can be selected. */
  readonly dated_by?: string;
  /** Fields that lists sort by. */
  readonly indexes?: readonly string[];
  readonly fields: { readonly [field: string]: FieldSpec };
}
export type Mode = "optimistic" | "validated" | "online" | "remote";
export type FieldSpec = TextSpec | NumberSpec | DateSpec | PlainSpec | EnumSpec | ReferenceSpec | ArraySpec | ObjectSpec;

interface AnySpec<Policy extends string = never> {
  readonly required?: boolean;
  readonly mode?: Mode;
  readonly read_only?: boolean;
  readonly unique?: boolean;
  /** What to do when both sides changed it. Default: a person decides. */
  readonly policy?: "ask" | "latest" | "server" | "mine" | Policy;
}
interface TextSpec extends AnySpec<"append"> {
  readonly type: "string";
  readonly length_max?: number;
  readonly pattern?: string;
  readonly normalise?: "trim" | "phone" | "lower" | "upper";
}
interface NumberSpec extends AnySpec<"max" | "min" | "sum"> {
  readonly type: "integer" | "number";
  readonly min?: number;
  readonly max?: number;
}
interface DateSpec extends AnySpec<"max" | "min"> {
  readonly type: "time" | "date";
  readonly min?: number;
  readonly max?: number;
}
interface PlainSpec extends AnySpec {
  readonly type: "boolean" | "user";
}
interface EnumSpec extends AnySpec<"forward"> {
  readonly type: "enum";
  readonly values: readonly string[];
  readonly transitions?: { readonly [from: string]: readonly string[] };
}
interface ReferenceSpec extends AnySpec {
  readonly type: "reference";
  readonly refers_to: string;
}
interface ArraySpec extends AnySpec<"union"> {
  readonly type: "array";
  readonly length_max?: number;
  readonly refers_to?: string;
  /** What its items are. For the types alone: neither the device nor the server checks it. */
  readonly items?: PartSpec;
}
interface ObjectSpec extends AnySpec {
  readonly type: "object";
  /** Each member is merged for itself. */
  readonly by_member?: boolean;
  /** What its members are. For the types alone: neither the device nor the server checks it. */
  readonly members?: { readonly [member: string]: PartSpec };
}
/** An item of an array, or a member of an object. */
export interface PartSpec {
  readonly type: FieldSpec["type"];
  readonly required?: boolean;
  readonly values?: readonly string[];
  readonly refers_to?: string;
  readonly items?: PartSpec;
  readonly members?: { readonly [member: string]: PartSpec };
}

/** What the types know of a schema whose literal type they do not have. */
export interface AnySchema {
  schema: number;
  collections: { name: string; title: string; fields: object }[];
}

/**
 * A schema as it is, with its literal type, and checked: what `title`, `indexes`, `access` and `refers_to` name must be declared.
 * It does nothing else.
 */
export declare function defineSchema<const S extends SchemaFile>(schema: S & Checked<S>): S;

/** A schema that names what it does not declare is none; the message says where. */
type Checked<S extends SchemaFile> = [Undeclared<S["collections"][number], S["collections"][number]["name"]>] extends [never]
  ? unknown
  : { readonly "not declared": Undeclared<S["collections"][number], S["collections"][number]["name"]> };
type Undeclared<C, Names extends string> = C extends { readonly name: infer N extends string; readonly fields: infer F }
  ?
      | (C extends { readonly title: infer T extends string } ? NotIn<keyof F, T, `${N}: title`> : never)
      | (C extends { readonly indexes: readonly (infer I extends string)[] } ? NotIn<keyof F, I, `${N}: indexes`> : never)
      | (C extends { readonly dated_by: infer D extends string } ? NotIn<keyof F, D, `${N}: dated_by`> : never)
      | (C extends { readonly access: { readonly field: infer A extends string } } ? NotIn<keyof F, A, `${N}: access`> : never)
      | {
          [Key in keyof F & string]: F[Key] extends { readonly refers_to: infer To extends string }
            ? NotIn<Names, To, `${N}.${Key}: refers_to`>
            : never;
        }[keyof F & string]
  : never;
type NotIn<Declared, Name extends string, Where extends string> = Name extends Declared ? never : `${Where} "${Name}"`;

// ---- From the file to the records. ----

type Flat<T> = { [Key in keyof T]: T[Key] } & {};

/** The collections that a schema type names; `string` if it does not name them. */
export type CollectionName<S> = S extends { readonly collections: readonly { readonly name: infer N extends string }[] } ? N : string;
/** The declaration of one collection; `never` if the type does not name its collections. */
type SpecOf<S, N> = string extends CollectionName<S>
  ? never
  : S extends { readonly collections: readonly (infer C)[] } ? Extract<C, { readonly name: N; readonly fields: object }> : never;
type IsLoose<S, N> = [SpecOf<S, N>] extends [never] ? true : false;
type FieldsSpec<S, N> = SpecOf<S, N> extends { readonly fields: infer F } ? F : never;

interface Plain {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
  /** Milliseconds since 1970. */
  time: number;
  /** `YYYY-MM-DD`. */
  date: string;
  user: UserId;
}
/** What a field of this declaration holds. */
type ValueOf<F> =
  F extends { readonly type: "enum"; readonly values: readonly (infer V)[] } ? V
  : F extends { readonly type: "array" } ? ItemOf<F>[]
  : F extends { readonly type: "object" } ? MembersOf<F>
  : F extends { readonly type: "reference"; readonly refers_to: infer N extends string } ? Id<N>
  : F extends { readonly type: infer K extends keyof Plain } ? Plain[K]
  : Value;
type ItemOf<F> =
  F extends { readonly refers_to: infer N extends string } ? Id<N>
  : F extends { readonly items: infer I } ? ValueOf<I>
  : Value;
type MembersOf<F> =
  F extends { readonly members: infer M }
    ? Flat<{ [Key in RequiredOf<M>]: ValueOf<M[Key]> } & { [Key in Exclude<keyof M, RequiredOf<M>>]?: ValueOf<M[Key]> }>
    : { [member: string]: Value };
/** What may be written of it: as it is read, and a list may be one that nobody may change. */
type WrittenOf<F> = ValueOf<F> extends (infer I)[] ? readonly I[] : ValueOf<F>;

type RequiredOf<F> = { [Key in keyof F]: F[Key] extends { readonly required: true } ? Key : never }[keyof F];
/** The mode in which a field is written: the stricter of its own and its collection's. */
type ModeOf<C, F> =
  "remote" extends ModeIn<C> | ModeIn<F> ? "remote" : "online" extends ModeIn<C> | ModeIn<F> ? "online" : "here";
type ModeIn<T> = T extends { readonly mode: infer M } ? M : "optimistic";
/** The fields that the app writes in this mode: "here" is "optimistic" or "validated". */
type Writable<S, N, M> = {
  [Key in keyof FieldsSpec<S, N>]: FieldsSpec<S, N>[Key] extends { readonly read_only: true } ? never
  : ModeOf<SpecOf<S, N>, FieldsSpec<S, N>[Key]> extends M ? Key : never;
}[keyof FieldsSpec<S, N>];
type OwnMode<S, N> = ModeOf<SpecOf<S, N>, {}>;

type NewFields<S, N, K extends keyof FieldsSpec<S, N>> = Flat<
  { [Key in K & RequiredOf<FieldsSpec<S, N>>]: WrittenOf<FieldsSpec<S, N>[Key]> } & {
    [Key in Exclude<K, RequiredOf<FieldsSpec<S, N>>>]?: WrittenOf<FieldsSpec<S, N>[Key]> | null;
  }
>;
type PatchFields<S, N, K extends keyof FieldsSpec<S, N>> = {
  -readonly [Key in K]?: WrittenOf<FieldsSpec<S, N>[Key]> | (Key extends RequiredOf<FieldsSpec<S, N>> ? never : null);
};
/** The fields of a record as it is read. What is required is there; an absent field is null. */
export type FieldsOf<S, N extends string> = IsLoose<S, N> extends true
  ? Fields
  : Flat<
      { readonly [Key in RequiredOf<FieldsSpec<S, N>>]: ValueOf<FieldsSpec<S, N>[Key]> } & {
        readonly [Key in Exclude<keyof FieldsSpec<S, N>, RequiredOf<FieldsSpec<S, N>>>]?: ValueOf<FieldsSpec<S, N>[Key]>;
      }
    >;
/** What `create` takes: all that is required, and of the rest what there is. */
export type NewOf<S, N extends string> = IsLoose<S, N> extends true ? Fields : NewFields<S, N, Writable<S, N, OwnMode<S, N>>>;
/**
 * What `update` takes: the fields that changed. Null clears one that is not required. Fields of mode "online" go by themselves: that
 * they are not written together with others is checked when it is saved.
 */
export type PatchOf<S, N extends string> = IsLoose<S, N> extends true ? Fields : Flat<PatchFields<S, N, Writable<S, N, "here" | "online">>>;
/** The same in a batch: what is of mode "online" goes by itself, so not in one. */
export type BatchPatchOf<S, N extends string> = IsLoose<S, N> extends true ? Fields : Flat<PatchFields<S, N, Writable<S, N, "here">>>;
/** The collections that a batch may write. */
export type BatchName<S> = NameIn<S, "here">;
/** The collections that are written with an answer of the server only. */
export type OnlineName<S> = NameIn<S, "online">;
type NameIn<S, M> = string extends CollectionName<S>
  ? string
  : { [N in CollectionName<S>]: OwnMode<S, N> extends M ? N : never }[CollectionName<S>];
/** What a conflict may be about: fields, and members (`hours.monday`) of those that are merged by member. */
export type PlacesOf<S, N extends string> = IsLoose<S, N> extends true
  ? Fields
  : Flat<{ [Key in keyof FieldsSpec<S, N>]: ValueOf<FieldsSpec<S, N>[Key]> } & MemberPlaces<FieldsSpec<S, N>>>;
type MemberPlaces<F> = {
  [Key in keyof F & string as F[Key] extends { readonly by_member: true } ? MemberNames<Key, F[Key]> : never]: Value;
};
type MemberNames<Key extends string, F> = F extends { readonly members: infer M } ? `${Key}.${keyof M & string}` : `${Key}.${string}`;
