/**
 * What tools make of the documents: linters, parsers and a generator, in one process, because each takes a second to load.
 *
 * Reads `{"openapi": {name: document}, "asyncapi": document, "url": "…"}` from standard input, and writes
 * `{"redocly": {name: [finding]}, "spectral": …, "asyncapi": [finding], "typescript": [error], "client": …}`.
 */

import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

import asyncapiParser from "@asyncapi/parser";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import spectralCore from "@stoplight/spectral-core";
import spectralRulesets from "@stoplight/spectral-rulesets";
import { build } from "esbuild";
import openapiTypescript, { astToString } from "openapi-typescript";
import ts from "typescript";

const ROOT = new URL("../../", import.meta.url).pathname;

async function redocly(source) {
  const config = await createConfig({ extends: ["recommended"] });
  const found = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  return found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
}

async function spectral(source) {
  const linter = new spectralCore.Spectral();
  linter.setRuleset({ extends: [[spectralRulesets.oas, "recommended"]] });
  return (await linter.run(source)).map(({ code, message, path }) => `${code}: ${message} ${path.join("/")}`);
}

async function asyncapi(source) {
  const { document, diagnostics } = await new asyncapiParser.Parser().parse(source);
  const found = diagnostics.map(({ code, message, path }) => `${code}: ${message} ${path.join("/")}`);
  return document === undefined ? [...found, "the parser returned no document"] : found;
}

/** Generates types from the document, and checks a program that uses them; returns the errors and the program's file. */
async function typescript(source, folder) {
  await writeFile(join(folder, "api.d.ts"), astToString(await openapiTypescript(source)));
  const program = join(folder, "usage.ts");
  await writeFile(program, await readFile(new URL("usage.ts", import.meta.url)));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const options = {
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"], types: [], strict: true, noEmit: true,
    skipLibCheck: true,
  };
  const made = ts.createProgram([program], options);
  const errors = ts.getPreEmitDiagnostics(made)
    .map(({ messageText, start }) => `${start}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  return { errors, program };
}

async function client(program, url) {
  const outfile = program.replace(/ts$/, "mjs");
  await build({ entryPoints: [program], outfile, bundle: true, format: "esm", platform: "node", logLevel: "silent" });
  return (await import(pathToFileURL(outfile).href)).use(url);
}

async function ofEach(documents, tool) {
  const found = {};
  for (const [name, document] of Object.entries(documents)) found[name] = await tool(JSON.stringify(document));
  return found;
}

const given = JSON.parse(await text(process.stdin));
const folder = await mkdtemp(join(tmpdir(), "tidings-documents-"));
try {
  const { errors, program } = await typescript(JSON.stringify(Object.values(given.openapi)[0]), folder);
  process.stdout.write(JSON.stringify({
    redocly: await ofEach(given.openapi, redocly),
    spectral: await ofEach(given.openapi, spectral),
    asyncapi: await asyncapi(JSON.stringify(given.asyncapi)),
    typescript: errors,
    client: errors.length ? null : await client(program, given.url),
  }));
} finally {
  await rm(folder, { recursive: true });
}
