/** Registers the elements: called by the app, so that an import has no side effect. Twice does no harm. */
import { ConflictDialog } from "./conflict-dialog.js";
import { RecordBadge } from "./record-badge.js";
import { SyncCentre } from "./sync-centre.js";
import { SyncStatusBar } from "./sync-status-bar.js";

export function defineElements() {
  /** @type {[string, CustomElementConstructor][]} */
  const elements = [
    ["sync-status-bar", SyncStatusBar],
    ["record-badge", RecordBadge],
    ["conflict-dialog", ConflictDialog],
    ["sync-centre", SyncCentre],
  ];
  for (const [name, element] of elements) if (!customElements.get(name)) customElements.define(name, element);
}
