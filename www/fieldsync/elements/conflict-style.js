/** How the conflict dialog looks: the whole screen on a phone, a sheet on a desktop. */
export const DIALOG_CSS = `
dialog { container-type: inline-size; width: 100%; max-width: 100%; height: 100%; max-height: 100%; margin: 0; padding: 0; border: 0; background: var(--_paper); color: var(--_ink); }
dialog::backdrop { background: rgb(10 16 22 / .55); }
@media (min-width: 640px) { dialog { width: min(36rem, 92vw); height: fit-content; max-height: 88vh; margin: auto; border-radius: 16px; box-shadow: 0 24px 64px rgb(0 0 0 / .35); } }
form { display: flex; flex-direction: column; min-height: 100%; height: 100%; max-height: inherit; }
.sheet { flex: 1; min-height: 0; overflow: auto; overscroll-behavior: contain; }
.head { padding: 1.25rem 1.25rem .75rem; }
h2 { margin: 0; overflow-wrap: anywhere; font-size: 1.25rem; line-height: 1.25; font-weight: 700; text-wrap: balance; outline: none; } h2:focus-visible { outline: none; }
h3 { margin: 0 0 .25rem; font-size: .875rem; color: var(--_soft); font-weight: 600; }
.facts { margin: .5rem 0 0; color: var(--_soft); font-size: .9375rem; }
.facts summary { padding-block: .375rem; cursor: pointer; color: var(--_accent); font-weight: 600; width: fit-content; } .facts ul { margin: 0; padding-inline-start: 1.25rem; }
.notice { margin: .75rem 0 0; padding: .625rem .75rem; border-radius: 10px; background: var(--_ask-bg); color: var(--_ask); font-weight: 600; font-size: .9375rem; }
.questions { padding: 0 1.25rem 1.25rem; }
.quick { display: flex; flex-wrap: wrap; gap: .5rem; margin-block-end: 1rem; }
fieldset { margin: 0 0 1.25rem; padding: 0; border: 0; min-width: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: .5rem; }
legend { padding: 0; font-weight: 700; overflow-wrap: anywhere; } legend + .card { margin-block-start: .375rem; }
.before { margin: 0 0 .125rem; color: var(--_soft); font-size: .875rem; overflow-wrap: anywhere; white-space: pre-line; }
.card { display: flex; gap: .75rem; align-items: flex-start; min-height: 48px; padding: .75rem .875rem; border: 1.5px solid var(--_line); border-radius: 12px; cursor: pointer; }
.card:hover { background: var(--_wash); }
.card:has(:checked) { border-color: var(--_accent); box-shadow: inset 0 0 0 1px var(--_accent); }
.two { margin-block-end: 1.25rem; } [hidden] { display: none !important; }
.card input[type=checkbox], .card input[type=radio] { width: 1.25rem; height: 1.25rem; margin: .1rem 0 0; flex: none; accent-color: var(--_accent); }
.words { display: grid; gap: .125rem; min-width: 0; overflow-wrap: anywhere; }
.source { font-size: .875rem; } .value { font-size: 1.0625rem; font-weight: 500; overflow-wrap: anywhere; white-space: pre-line; }
.other { display: grid; cursor: default; } .other { grid-template-columns: minmax(0, 1fr); } .other label { display: flex; gap: .75rem; align-items: center; cursor: pointer; }
.other input:not([type=radio]), .other textarea, .other select { width: 100%; min-height: 48px; padding: .625rem .75rem; border: 1px solid var(--_field); border-radius: 10px; background: var(--_paper); }
.error { margin: 0; color: var(--_bad); font-weight: 600; font-size: .9375rem; } .error:empty { display: none; }
dl { display: grid; grid-template-columns: minmax(0, auto) minmax(50%, 1fr); gap: .25rem .75rem; margin: 0 0 1.25rem; } dt { color: var(--_soft); overflow-wrap: anywhere; } dd { margin: 0; overflow-wrap: anywhere; }
del { color: var(--_soft); text-decoration-thickness: 1px; } dd ins, p ins, li ins { text-decoration: none; font-weight: 600; }
.value ins { padding-inline: .0625em; border-radius: 3px; background: var(--_ok-bg); color: var(--_ok); font-weight: 700; text-decoration: underline; text-underline-offset: 3px; text-decoration-thickness: 2px; }
.value del + ins { margin-inline-start: .2em; }
.value del { border-radius: 3px; background: var(--_bad-bg); color: var(--_bad); font-weight: 400; }
.none { color: var(--_soft); font-style: italic; }
.items { display: inline-flex; flex-wrap: wrap; gap: .375rem; } .item { padding: 0 .5rem; border: 1px solid var(--_line); border-radius: 99px; }
.changes { margin-block: .75rem 0; } .preview { padding-block-start: .25rem; } .preview h3 { font-size: 1rem; color: var(--_ink); }
.records { margin: .5rem 0 0; padding: 0; list-style: none; } .records > li { display: grid; gap: .125rem; padding-block: .5rem; border-block-start: 1px solid var(--_line); overflow-wrap: anywhere; } .records p { margin: 0; }
.foot { position: sticky; bottom: 0; display: flex; gap: .5rem; justify-content: flex-end; padding: .75rem 1.25rem calc(.75rem + env(safe-area-inset-bottom)); border-block-start: 1px solid var(--_line); background: var(--_paper); }
.foot .button { min-height: 48px; } .foot .error { flex: 1 1 auto; align-self: center; }
@media (max-width: 639px) { .foot { flex-wrap: wrap; } .foot .button { flex: 1 1 7.5rem; padding-inline: .5rem; } .foot .error { flex-basis: 100%; } }
/* Large text or much zoom: a line holds few words, and what would stay on the screen takes all of it. */
@media (max-height: 26em) { form { height: auto; max-height: none; } .sheet { flex: none; overflow: visible; } .foot { position: static; } }
@container (max-width: 17em) {
  form { height: auto; max-height: none; } .sheet { flex: none; overflow: visible; }
  .foot { position: static; flex-direction: column-reverse; } dl { grid-template-columns: minmax(0, 1fr); } dd { margin-block-end: .5rem; }
  .head, .questions, .foot { padding-inline: .5rem; } .card { padding-inline: .5rem; gap: .5rem; } .words { overflow-wrap: anywhere; }
}
`;
