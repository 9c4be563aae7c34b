/** What a run says: a line a story, and in the end the line that `cargo xtask test` counts. */

/** Of a failure's reason, at the end. */
const REASON_LENGTH_MAX = 400;

export class Report {
  #passed = 0;
  #failed = 0;
  #begun = Date.now();
  /** What failed, for the end: a log may be cut in its middle. @type {string[]} */
  #failures = [];

  /** @param {string} name @param {string} title @param {number} ms */
  ok(name, title, ms) {
    this.#passed += 1;
    console.log(`ok      ${name} – ${title} (${(ms / 1000).toFixed(1)} s)`);
  }

  /** @param {string} name @param {string} title @param {unknown} error @param {string[]} steps @param {string} folder */
  failed(name, title, error, steps, folder) {
    this.#failed += 1;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#failures.push(`${name}: ${reason.split("\n")[0].slice(0, REASON_LENGTH_MAX)} (after: ${steps.at(-1)?.trim() ?? "nothing"})`);
    const story = steps.slice(-12).map((step) => `        · ${step}`);
    console.log([`FAILED  ${name} – ${title}`, indent(reason), ...story, `        see ${folder}`].join("\n"));
  }

  /** The last line; whether all is well. */
  end() {
    const seconds = ((Date.now() - this.#begun) / 1000).toFixed(1);
    for (const failure of this.#failures) console.log(`failed  ${failure}`);
    const word = this.#failed ? "FAILED" : "ok";
    console.log(`\ntest result: ${word}. ${this.#passed} passed; ${this.#failed} failed; 0 ignored; finished in ${seconds}s`);
    return this.#failed === 0 && this.#passed > 0;
  }
}

/** @param {string} text */
function indent(text) {
  return text.split("\n").slice(0, 14).map((line) => `        ${line}`).join("\n");
}
