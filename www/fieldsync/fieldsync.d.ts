/** What `fieldsync.js` exports, and the types of what it takes and gives. */
import type { ConflictDialog } from "./elements/conflict-dialog.js";
import type { RecordBadge } from "./elements/record-badge.js";
import type { SyncCentre } from "./elements/sync-centre.js";
import type { SyncStatusBar } from "./elements/sync-status-bar.js";

export * from "./index.js";
export { SyncError, defineSchema, openClient } from "./index.js";
export type * from "./types/client.js";
export type * from "./types/collection.js";
export type * from "./types/conflicts.js";
export type * from "./types/outbox.js";
export type * from "./types/records.js";
export type * from "./types/schema.js";
export type * from "./types/selection.js";
export type * from "./types/status.js";
export type { Profile } from "./auth.js";
export type { Identity } from "./identity.js";
export type { Language, Translate, Words } from "./i18n.js";
export type { CentreData } from "./elements/sync-centre.js";
export type { SelectionData } from "./elements/centre-selection.js";

declare global {
  interface HTMLElementTagNameMap {
    "conflict-dialog": ConflictDialog;
    "record-badge": RecordBadge;
    "sync-centre": SyncCentre;
    "sync-status-bar": SyncStatusBar;
  }
}
