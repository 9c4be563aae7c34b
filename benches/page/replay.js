/**
 * A first sync without a network: what the server answers is asked for beforehand and kept as text, and the page itself gives it to
 * whoever asks again. So the product goes all its way, and nobody waits for a server.
 */

/** As the library asks for them on a quick device: little at first, and twice, because the second page is asked for while the first is taken in. */
const LIMITS = [250, 250];
const LIMIT = 500;

/** By what is asked. @type {Map<string, Uint8Array<ArrayBuffer>>} */
const answers = new Map();
/** When the first one was given out. @type {number | undefined} */
let begun;
let missed = "";

/** Asks for everything a first sync asks. @param {{ [header: string]: string }} headers @param {{ schema: number, collections: { name: string }[] }} schema */
export async function record(headers, { schema, collections }) {
  const snapshot = { collections: collections.map(({ name }) => name).join(","), schema };
  const limits = [...LIMITS];
  /** @type {any} */
  let page = {};
  do {
    const { next: after, watermark } = page;
    const asked = { ...snapshot, limit: limits.shift() ?? LIMIT };
    page = await keep("snapshot", after ? { ...asked, after, watermark } : asked, headers);
  } while (page.next);
  await keep("changes", { cursor: page.cursor, schema, limit: LIMIT }, headers);
  answerFetch();
}

/** When the first text was handed over; throws if anything had to be asked of the server. */
export function handedOverAt() {
  if (missed) throw new Error(`the first sync asked the server for ${missed}`);
  if (begun === undefined) throw new Error("the first sync asked for nothing");
  return begun;
}

/** @param {string} name @param {{ [name: string]: unknown }} query @param {{ [header: string]: string }} headers */
async function keep(name, query, headers) {
  const entries = Object.entries(query).map(([key, value]) => [key, String(value)]);
  const url = new URL(`/sync/v1/${name}?${new URLSearchParams(entries)}`, location.href);
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${response.status} ${url}`);
  const text = new Uint8Array(await response.arrayBuffer());
  answers.set(keyOf(url), text);
  return JSON.parse(new TextDecoder().decode(text));
}

/** The same however it is written, and however much is asked for: a page may end before its limit, or behind it. @param {URL} url */
function keyOf(url) {
  url.searchParams.delete("limit");
  url.searchParams.sort();
  return `${url.pathname}?${url.searchParams}`;
}

/** From now on the page answers what it has, once each. */
function answerFetch() {
  const ask = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    const key = keyOf(url);
    const text = answers.get(key);
    if (!text) {
      if (begun !== undefined) missed ||= key;
      return ask(input, init);
    }
    begun ??= performance.now();
    answers.delete(key);
    return new Response(text, { headers: { "content-type": "application/json" } });
  };
}
