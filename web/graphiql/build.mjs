// Builds the page, and compresses each file of it: the server sends them as they are. Into dist/, or into the directory
// that is named: `node build.mjs DIRECTORY`.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build } from "vite";
import config from "./config.mjs";

const into = process.argv[2] ?? new URL("dist", import.meta.url).pathname;
const plain = await mkdtemp(join(tmpdir(), "linkspan-graphiql-"));
try {
  await build({ ...config, build: { ...config.build, outDir: plain } });
  await rm(into, { recursive: true, force: true });
  for (const entry of await readdir(plain, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const compressed = join(into, `${file.slice(plain.length)}.gz`);
    await mkdir(dirname(compressed), { recursive: true });
    await writeFile(compressed, gzipSync(await readFile(file), { level: constants.Z_BEST_COMPRESSION }));
  }
} finally {
  await rm(plain, { recursive: true, force: true });
}
