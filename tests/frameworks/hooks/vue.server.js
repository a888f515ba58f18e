import { createSSRApp } from "vue";
import { renderToString } from "vue/server-renderer";
import { createTidings } from "tidings/vue";
import Reports from "./reports.vue";
import Words from "./words.vue";

globalThis.WebSocket = class { constructor() { throw new Error("it connects"); } };
const given = { text: "a", token: "default.t", grant: "g" };
const app = createSSRApp(Words, given).use(createTidings({ url: "http://127.0.0.1:1" }));
console.log(await renderToString(app));
const list = createSSRApp(Reports, { grant: "g" }).use(createTidings({ url: "http://127.0.0.1:1" }));
console.log(await renderToString(list));
try {
  const bare = createSSRApp(Words, given);
  bare.config.warnHandler = () => {};
  await renderToString(bare);
} catch (error) {
  console.log(error.message);
}
