/** What of the data is on this device: which collections, whose records, and of dated ones how many days. */
import type { AnySchema, CollectionName } from "./schema.js";

/** What is wanted of a collection. */
export interface SelectedPart {
  /** "team": all that the user may see (a manager's team, a rep's own). "mine": only what the user owns. */
  whose?: "team" | "mine";
  /** Only those of the last so many days, by the field that the schema names with `dated_by`; what has no date is among them. */
  days?: number;
}
/** What is selected of a collection, and how much of that is here. */
export interface SelectedCollection extends SelectedPart {
  selected: boolean;
  whose: "team" | "mine";
  /** "whole": all that the user may see, so lists are `complete`. "part": all that is selected. "loading": not yet. "nothing": not selected. */
  here: "whole" | "part" | "loading" | "nothing";
  /** What `days` came to: from then on. Moves once a day. */
  since?: number;
}
export type Selection<S = AnySchema> = { readonly [N in CollectionName<S>]: SelectedCollection };
/** Whole, not at all, or a part. Collections that are not named stay as they are. */
export type SelectionChanges<S = AnySchema> = { readonly [N in CollectionName<S>]?: boolean | SelectedPart };

/** Records, and the bytes of their fields. */
export interface Count { records: number; bytes: number }
/** What a change of the selection would come to. `fetches` is missing if the server could not be asked. */
export interface SelectionPreview<S = AnySchema> {
  here: Count; frees: Count; fetches?: Count;
  /** Records that stay outside of the selection until their unsent work is sent. */
  unsent: number;
  collections: { [N in CollectionName<S>]: { here: Count; frees: Count; fetches?: Count } };
}
