/** How the sync centre looks. */
export const CENTRE_CSS = `
:host { display: block; container-type: inline-size; }
.centre { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
section { padding: 1rem min(1.125rem, 4.5vw); border: 1px solid var(--_line); border-radius: 14px; background: var(--_paper); scroll-margin-top: 8rem; }
h2 { margin: 0 0 .5rem; font-size: 1.0625rem; line-height: 1.3; } h3 { margin: 1rem 0 .25rem; font-size: .9375rem; }
p { margin: 0; }
.summary { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: center; justify-content: space-between; }
.summary p { display: grid; } .last { font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; } dl + .actions, details + .actions, p + .actions { margin-block-start: 1rem; }
.hint { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; justify-content: space-between; }
.rows { list-style: none; margin: 0; padding: 0; }
.row { display: flex; flex-wrap: wrap; gap: .375rem .75rem; align-items: center; justify-content: space-between; padding-block: .75rem; border-block-start: 1px solid var(--_line); }
.row:first-child { border-block-start: 0; } .rows .row:last-child { padding-block-end: .125rem; }
.row > .words { display: grid; flex: 1 1 12rem; min-width: 0; } .row > .reason, .row > details, .row > p { flex-basis: 100%; }
.title { min-height: 28px; padding: 0; border: 0; background: none; font-weight: 600; text-align: start; overflow-wrap: anywhere; } button.title:hover { text-decoration: underline; }
.row .icon { width: 1rem; height: 1rem; vertical-align: -.15em; }
.reason + .muted { margin-block-start: .375rem; }
.reason { display: flex; gap: .5rem; align-items: center; color: var(--_bad); font-weight: 500; }
.group > details { flex-basis: 100%; } .group > details > .rows { margin-inline-start: .5rem; padding-inline-start: .75rem; border-inline-start: 2px solid var(--_line); }
.cause { display: flex; gap: .5rem; align-items: flex-start; overflow-wrap: anywhere; } .cause .icon { margin-block-start: .2rem; }
.aside { flex-basis: 100%; display: flex; flex-wrap: wrap; gap: .375rem .75rem; align-items: center; justify-content: space-between; } .aside p { flex: 1 1 12rem; min-width: 0; overflow-wrap: anywhere; }
.row > .going { padding: 0; } ul.going { margin: .25rem 0 .75rem; padding-inline-start: 1.25rem; font-size: .9375rem; overflow-wrap: anywhere; } ul.going .value { white-space: pre-line; }
del { color: var(--_soft); } ins { text-decoration: none; font-weight: 600; }
h2:focus { outline: none; }
progress { width: 100%; height: .625rem; margin-block: .25rem .5rem; accent-color: var(--_accent); }
.choices { margin-block: .75rem; } .choice { display: flex; flex-wrap: wrap; gap: .375rem .75rem; align-items: center; justify-content: space-between; padding-block: .5rem; border-block-start: 1px solid var(--_line); }
.check { display: flex; flex: 1 1 12rem; gap: .75rem; align-items: center; min-width: 0; min-height: 44px; cursor: pointer; } .check > span { display: grid; min-width: 0; overflow-wrap: anywhere; } .check input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0; accent-color: var(--_accent); }
.choice select { flex: 0 1 12rem; margin-inline-start: auto; } .preview + .actions { margin-block-start: .75rem; }
@media (max-width: 32rem) { .choice select { flex: 1 1 100%; max-width: none; margin-inline-start: 2rem; } }
.note { margin-block-start: .5rem; padding: .625rem .75rem; border-radius: 10px; background: var(--_off-bg); color: var(--_off); font-size: .9375rem; }
dl { display: grid; grid-template-columns: minmax(0, auto) minmax(0, 1fr); gap: .5rem 1rem; overflow-wrap: anywhere; margin: 0; align-items: center; } dt { color: var(--_soft); } dd { margin: 0; }
dd { min-width: 0; } select { width: 100%; max-width: 16rem; min-width: 0; min-height: 44px; padding: .375rem .625rem; border: 1px solid var(--_field); border-radius: 10px; background: var(--_paper); }
@container (max-width: 22em) { dl { grid-template-columns: minmax(0, 1fr); } }
summary { padding-block: .5rem; width: fit-content; cursor: pointer; color: var(--_accent); font-weight: 600; }
.errors { margin: 0; padding-inline-start: 1.25rem; font-size: .875rem; color: var(--_soft); overflow-wrap: anywhere; }
`;
