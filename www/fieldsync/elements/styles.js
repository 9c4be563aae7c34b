/**
 * What the elements have in common: tokens and controls, as constructable stylesheets (a strict CSP forbids inline ones).
 * An app overrides a token by setting the custom property on the element or above it.
 */

/** @param {string} css */
export function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

const TOKENS = `
:host {
  --_ink: var(--fs-ink, #1c2024); --_soft: var(--fs-soft, #5b6470); --_paper: var(--fs-paper, #fff); --_line: var(--fs-line, #dcdfe4);
  --_field: var(--fs-field, #868e99); --_accent: var(--fs-accent, #0b5d6b); --_on-accent: var(--fs-on-accent, #fff); --_wash: var(--fs-wash, #f4f5f7);
  --_ok: #155c31; --_ok-bg: #e5f4ea; --_busy: #624500; --_busy-bg: #fcf1cd; --_off: #3b434f; --_off-bg: #e9ecf0;
  --_ask: #7c3400; --_ask-bg: #ffe9d8; --_bad: #8f1616; --_bad-bg: #fde5e4;
  color: var(--_ink); font: 400 1rem/1.45 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :host {
    --_ink: var(--fs-ink, #e9ebee); --_soft: var(--fs-soft, #a5aeba); --_paper: var(--fs-paper, #1b1f24); --_line: var(--fs-line, #333a43);
    --_field: var(--fs-field, #77818e); --_accent: var(--fs-accent, #6fd3e3); --_on-accent: var(--fs-on-accent, #06272d); --_wash: var(--fs-wash, #242a31);
    --_ok: #a2e5ba; --_ok-bg: #12291b; --_busy: #f4d878; --_busy-bg: #2f270a; --_off: #ccd3dc; --_off-bg: #262b32;
    --_ask: #ffc08e; --_ask-bg: #362110; --_bad: #ffb7b5; --_bad-bg: #3b1618;
  }
}
:host([hidden]) { display: none; }
*, ::before, ::after { box-sizing: border-box; }
.icon { width: 1.25em; height: 1.25em; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
button, input, textarea, select { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
.ok { --_tone: var(--_ok); --_tone-bg: var(--_ok-bg); } .busy { --_tone: var(--_busy); --_tone-bg: var(--_busy-bg); }
.off { --_tone: var(--_off); --_tone-bg: var(--_off-bg); } .ask { --_tone: var(--_ask); --_tone-bg: var(--_ask-bg); }
.bad { --_tone: var(--_bad); --_tone-bg: var(--_bad-bg); }
.button { max-width: 100%; overflow-wrap: anywhere; min-height: 44px; padding: .5rem 1rem; border: 1px solid var(--_line); border-radius: 10px; background: var(--_paper); font-weight: 600; }
.button:hover { background: var(--_wash); }
.button.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
.button.quiet { border-color: transparent; background: none; color: var(--_accent); }
.button.small { min-height: 40px; padding: .35rem .75rem; font-size: .9375rem; }
.muted { color: var(--_soft); } .small { font-size: .875rem; }
@media (forced-colors: active) { .button { border-color: ButtonText; } }
`;

/** @type {CSSStyleSheet | undefined} */
let shared;

/** Made when the first element is: an import must not touch the document. */
export function sharedSheet() {
  return (shared ??= sheet(TOKENS));
}

/** @param {HTMLElement} element @param {CSSStyleSheet} own */
export function openShadow(element, own) {
  const root = element.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sharedSheet(), own];
  return root;
}
