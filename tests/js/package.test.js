/** What npm's users get. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const run = promisify(execFile);
const root = new URL("../../", import.meta.url);
const inRoot = { cwd: root };

/** Bytes, gzipped: what a page loads that talks by socket, once it is minified. */
const MOST_AT_FIRST = 6144;
/** The same with what is loaded only where sockets do not work. */
const MOST_IN_ALL = 8192;

const gzipped = (content) => gzipSync(content, { level: 9 }).length;

async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "tidings-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** Returns the bundler's files, by name. */
async function bundle(options) {
  const { outputFiles, metafile } = await build({
    entryPoints: ["static/tidings.js"], absWorkingDir: root.pathname, bundle: true, minify: true, format: "esm",
    target: "es2022", write: false, metafile: true, outdir: "out", logLevel: "silent", ...options,
  });
  return { files: new Map(outputFiles.map(({ path, contents }) => [path.slice(root.pathname.length), contents])), metafile };
}

test("minified and gzipped, what a page loads at first is under 6 KB", async (t) => {
  const { files, metafile } = await bundle({ splitting: true });
  const first = new Set(["out/tidings.js"]);
  for (const name of first) {
    for (const { path, kind } of metafile.outputs[name].imports) if (kind === "import-statement") first.add(path);
  }
  const bytes = [...first].reduce((sum, name) => sum + gzipped(files.get(name)), 0);
  t.diagnostic(`${bytes} bytes in ${first.size} files`);
  assert.ok(bytes < MOST_AT_FIRST, `${bytes} bytes`);
  assert.ok(first.size < files.size, "the fallbacks are loaded at first too");
});

test("with the fallbacks, in one file, it is under 8 KB", async (t) => {
  const { files } = await bundle({});
  const bytes = gzipped(files.get("out/tidings.js"));
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes < MOST_IN_ALL, `${bytes} bytes`);
});

test("the package holds the client, its types, and nothing else", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], inRoot);
  const others = JSON.parse(stdout)[0].files.map(({ path }) => path)
    .filter((path) => !/^static\/((tidings|shared|shared-worker|client\/\w+)\.js|types\/(tidings|shared|client\/\w+)\.d\.ts)$/.test(path));
  assert.deepEqual(others.sort(), ["LICENSE", "README.md", "package.json"]);
  const { dependencies } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  assert.equal(dependencies, undefined);
});

test("the types are those the source has now: `npm run types` makes them", async (t) => {
  const out = await folder(t);
  await run("npx", ["--no-install", "tsc", "-p", "tsconfig.types.json", "--outDir", out], inRoot);
  const names = (await readdir(out, { recursive: true })).filter((name) => name.endsWith(".d.ts")).sort();
  const committed = new URL("static/types/", root);
  const there = (await readdir(committed, { recursive: true })).filter((name) => name.endsWith(".d.ts")).sort();
  assert.deepEqual(there, names);
  for (const name of names) {
    assert.equal(await readFile(new URL(name, committed), "utf8"), await readFile(join(out, name), "utf8"), name);
  }
});

test("a user in TypeScript gets them by the package's name, and mistakes are found", async () => {
  await run("npx", ["--no-install", "tsc", "-p", "tests/js/types/tsconfig.json"], inRoot);
});

test("the package can be imported by its name in Node", async () => {
  const { Tidings } = await import("tidings");
  assert.equal(typeof Tidings, "function");
});
