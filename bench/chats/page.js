// Reads answers in a browser: returns when the first token came after the question, and how late each was, ms.
import { ChatTransport } from "/static/ai.js";
import { Tidings } from "/static/tidings.js";

const now = () => performance.timeOrigin + performance.now();
const question = () => ({
  id: crypto.randomUUID(), messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "?" }] }], trigger: "submit-message",
});
let transport;

async function* bySocket(given) {
  transport ??= new ChatTransport({ client: new Tidings(location.origin), kind: "tell" });
  const { id: chatId, messages, trigger } = question();
  for await (const part of await transport.sendMessages({ chatId, messages, trigger, body: given })) {
    if (part.type === "text-delta") yield part.delta;
  }
}

async function* linesOf(response) {
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6);
  }
}

async function* byRoute(given) {
  const body = JSON.stringify({ ...question(), ...given });
  for await (const line of linesOf(await fetch("/v1/chat/tell", { method: "POST", body }))) {
    if (line.includes('"text-delta"')) yield JSON.parse(line).delta;
  }
}

async function* byPlain({ count, per_s: perS }) {
  yield* linesOf(await fetch(`/say?count=${count}&per_s=${perS}`));
}

const WAYS = { socket: bySocket, route: byRoute, plain: byPlain };

globalThis.read = async (way, given) => {
  const asked = now();
  const came = [];
  for await (const stamp of WAYS[way](given)) came.push([now(), Number(stamp) / 1e6]);
  return { first: came[0][0] - asked, delays: came.map(([at, said]) => at - said) };
};
