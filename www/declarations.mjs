/**
 * Makes the declarations that stand beside the built library: `fieldsync.d.ts`, and in `types/` what it is made of. Those of the
 * JavaScript come from its own comments.
 */
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LIBRARY = fileURLToPath(new URL("fieldsync", import.meta.url));
const ROOT = dirname(dirname(LIBRARY));

/** @param {string} folder Where `fieldsync.js` is. */
export async function makeDeclarations(folder) {
  const out = join(folder, "types");
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "fieldsync-declarations-"));
  const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: out, rootDir: LIBRARY };
  const project = { extends: join(ROOT, "tsconfig.json"), compilerOptions: emit, include: [], files: [join(LIBRARY, "index.js")] };
  await writeFile(join(work, "tsconfig.json"), JSON.stringify(project));
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", work], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  await rm(work, { recursive: true });
  await cp(join(LIBRARY, "types.d.ts"), join(out, "types.d.ts"));
  await cp(join(LIBRARY, "types"), join(out, "types"), { recursive: true });
  await nameFiles(out);
  const door = await readFile(join(LIBRARY, "fieldsync.d.ts"), "utf8");
  await writeFile(join(folder, "fieldsync.d.ts"), door.replaceAll('from "./', 'from "./types/'));
}

/** Not every resolver finds `./types` without an ending. @param {string} folder */
async function nameFiles(folder) {
  for (const entry of await readdir(folder, { recursive: true })) {
    if (!entry.endsWith(".d.ts")) continue;
    const path = join(folder, entry);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(/(import\("\.[^"]*\/types)"\)/g, '$1.js")'));
  }
}
