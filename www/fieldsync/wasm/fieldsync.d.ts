/** What `wasm-bindgen --target web` makes at build time, as far as the shell uses it. */
export { Engine } from "../types";
export default function init(options: {
  module_or_path: string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module;
}): Promise<unknown>;
