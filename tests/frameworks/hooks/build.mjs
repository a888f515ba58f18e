// Bundles an entry for a browser or for Node, with what its framework's files need: node build.mjs ENTRY OUT browser|node
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { compile } from "svelte/compiler";
import { compileScript, parse } from "vue/compiler-sfc";

const [entry, outfile, platform] = process.argv.slice(2);
const server = platform === "node";

const svelte = {
  name: "svelte",
  setup: ({ onLoad }) => onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
    const generate = server ? "server" : "client";
    return { contents: compile(await readFile(path, "utf8"), { filename: path, generate }).js.code };
  }),
};

const vue = {
  name: "vue",
  setup: ({ onLoad }) => onLoad({ filter: /\.vue$/ }, async ({ path }) => {
    const { descriptor } = parse(await readFile(path, "utf8"), { filename: path });
    const { content } = compileScript(descriptor, { id: "words", inlineTemplate: true, templateOptions: { ssr: server, ssrCssVars: [] } });
    return { contents: content, loader: "ts" };
  }),
};

await build({
  entryPoints: [entry], outfile, platform, bundle: true, format: "esm", jsx: "automatic", logLevel: "error",
  conditions: server ? ["svelte"] : ["browser", "svelte"], plugins: [svelte, vue], nodePaths: [process.env.NODE_MODULES],
  alias: { "tidings/react": `${process.cwd()}/static/react.js`, "tidings/vue": `${process.cwd()}/static/vue.js`, "tidings/svelte": `${process.cwd()}/static/svelte.js` },
  define: { "process.env.NODE_ENV": '"development"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  banner: server ? { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' } : {},
});
