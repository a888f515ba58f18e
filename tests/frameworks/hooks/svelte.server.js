import { render } from "svelte/server";
import Words from "./words.svelte";
import Provided from "./provided.svelte";

globalThis.WebSocket = class { constructor() { throw new Error("it connects"); } };
const props = { text: "a", token: "default.t", grant: "g" };
console.log(render(Provided, { props }).body);
try {
  console.log(render(Words, { props }).body);
} catch (error) {
  console.log(error.message);
}
