/** The one error that an app sees: the engine throws the same shape, with the same codes. */

/** @typedef {import("./types").SyncErrorCode} SyncErrorCode */
/** @typedef {import("./types").SyncError} Contract */

/** @implements {Contract} */
export class SyncError extends Error {
  /**
   * @param {SyncErrorCode} code
   * @param {string} message For a developer, not for a rep.
   * @param {{ retryable?: boolean, cause?: unknown }} [options]
   */
  constructor(code, message, { retryable = false, cause } = {}) {
    super(message);
    /** @type {"SyncError"} */
    this.name = "SyncError";
    this.code = code;
    this.retryable = retryable;
    if (cause !== undefined) this.cause = cause;
  }
}

/**
 * Whether this is one of ours: the engine's are plain errors with that name, so `instanceof` would miss them.
 * @param {unknown} error
 * @returns {error is import("./types").SyncError}
 */
export function isSyncError(error) {
  return error instanceof Error && error.name === "SyncError";
}
