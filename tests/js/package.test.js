/** What npm's users get. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { publint } from "publint";
import { build as viteBuild, createLogger } from "vite";

const run = promisify(execFile);
const root = new URL("../../", import.meta.url);
const inRoot = { cwd: root };

/** Bytes, gzipped: what a page loads that talks by socket, once it is minified. */
const MOST_AT_FIRST = 12 * 1024;
/** The same with what is loaded only where sockets do not work. */
const MOST_IN_ALL = 15 * 1024;

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

test("minified and gzipped, what a page loads at first is under 12 KB", async (t) => {
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

test("with the fallbacks, in one file, it is under 15 KB", async (t) => {
  const { files } = await bundle({});
  const bytes = gzipped(files.get("out/tidings.js"));
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes < MOST_IN_ALL, `${bytes} bytes`);
});

test("the package holds the client, its types, and nothing else", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], inRoot);
  const others = JSON.parse(stdout)[0].files.map(({ path }) => path)
    .filter((path) => !/^static\/((tidings|shared|shared-worker|webhook|ai|react|svelte|vue|(chat|client|frameworks)\/([\w-]+\/)?[\w-]+)\.js|types\/(tidings|shared|webhook|ai|react|svelte|vue|(chat|client|frameworks)\/([\w-]+\/)?[\w-]+)\.d\.ts)$/.test(path));
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

/** Packs the package and unpacks it where a project finds it; returns the project's folder. */
async function project(t) {
  const path = await folder(t);
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", path], inRoot);
  const installed = join(path, "node_modules", "tidings");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(path, JSON.parse(stdout)[0].filename), "-C", installed, "--strip-components=1"]);
  return { path, installed };
}

const USES = {
  "by default": 'import { Tidings } from "tidings"; new Tidings();',
  "with an address": 'import { Tidings } from "tidings"; new Tidings("https://jobs.example.com");',
  "with a shared connection":
    'import { Tidings } from "tidings"; import { sharedSocket } from "tidings/shared";'
    + ' new Tidings(undefined, { WebSocket: sharedSocket() });',
};

for (const [name, source] of Object.entries(USES)) {
  test(`Vite builds a page that uses the package ${name}, and has nothing to say`, async (t) => {
    const { path } = await project(t);
    await writeFile(join(path, "main.js"), source);
    await writeFile(join(path, "index.html"), '<!doctype html><script type="module" src="/main.js"></script>');
    const said = [];
    const logger = createLogger();
    for (const level of ["warn", "warnOnce", "error"]) logger[level] = (text) => said.push(text);
    const output = [];
    const note = { name: "note", writeBundle: (_, bundle) => void output.push(...Object.keys(bundle)) };
    await viteBuild({ root: path, customLogger: logger, configFile: false, plugins: [note], build: { write: true } });
    assert.deepEqual(said, []);
    assert.ok(output.some((file) => /stream-.*js$/.test(file)), `the fallbacks are files of their own: ${output}`);
  });
}

test("publint finds nothing to say of the package", async () => {
  const { messages } = await publint({ pkgDir: root.pathname, strict: true });
  assert.deepEqual(messages, []);
});

test("a user in TypeScript gets them by the package's name, and mistakes are found", async () => {
  await run("npx", ["--no-install", "tsc", "-p", "tests/js/types/tsconfig.json"], inRoot);
});

test("the package can be imported by its name in Node", async () => {
  const { Tidings } = await import("tidings");
  assert.equal(typeof Tidings, "function");
});
