/**
 * Loads the wasm engine: once per context, and only when asked (an import has no side effect).
 *
 * `instantiateStreaming` refuses an answer whose type is not `application/wasm`, which some file servers get wrong, so the
 * bytes are the fallback. A worker passes bytes from its precache: its own `fetch` does not pass its own fetch handler.
 */
import init, { Engine } from "./wasm/fieldsync.js";

/** @typedef {string | URL | Response | BufferSource | WebAssembly.Module} WasmSource */

/** @type {Promise<void> | undefined} */
let loaded;

/** @param {WasmSource} [source] Where the wasm is; default: beside the library. */
export function loadEngine(source) {
  loaded ??= load(source ?? new URL("./wasm/fieldsync_bg.wasm", import.meta.url)).catch((error) => {
    loaded = undefined; // The network may have failed: the next call tries again.
    throw error;
  });
  return loaded.then(() => Engine);
}

/** @param {WasmSource} source */
async function load(source) {
  if (typeof source !== "string" && !(source instanceof URL)) {
    await init({ module_or_path: source });
    return;
  }
  const response = await fetch(source);
  if (!response.ok) throw new Error(`the engine could not be loaded: ${response.status} for ${source}`);
  await init({ module_or_path: await compile(response) });
}

/** @param {Response} response */
async function compile(response) {
  const spare = response.clone();
  try {
    return await WebAssembly.compileStreaming(response);
  } catch {
    return WebAssembly.compile(await spare.arrayBuffer());
  }
}
