// The real packages `ai` and `@ai-sdk/react`, driven by lines of JSON: a test asks, and reads one line for each answer.
import { createInterface } from "node:readline";
import { safeValidateTypes } from "@ai-sdk/provider-utils";
import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, readUIMessageStream, uiMessageChunkSchema } from "ai";
import * as six from "ai6"; // release 6
import { ChatTransport } from "../../static/ai.js";
import { Tidings } from "../../static/tidings.js";

const chats = new Map();

const textOf = (chat) =>
  (chat.messages.at(-1)?.role === "assistant" ? chat.messages.at(-1).parts : [])
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("");

const stateOf = (name) => {
  const { chat, ends, texts } = chats.get(name);
  return { status: chat.status, messages: chat.messages, error: chat.error?.message ?? null, text: textOf(chat), ends, texts };
};

async function until(name, condition, withinMs) {
  const end = Date.now() + withinMs;
  while (!condition(stateOf(name))) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(stateOf(name))}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return stateOf(name);
}

/** The chat of release 6, whose own package for React is a line longer than this. */
class Six extends six.AbstractChat {
  constructor({ messages, ...init }) {
    const state = {
      status: "ready", error: undefined, messages,
      pushMessage: (one) => { state.messages = [...state.messages, one]; },
      popMessage: () => { state.messages = state.messages.slice(0, -1); },
      replaceMessage: (index, one) => { state.messages = state.messages.with(index, structuredClone(one)); },
      snapshot: structuredClone,
    };
    super({ ...init, state });
  }
}

const operations = {
  async open_six({ name, id, url, kind, ours }) {
    const transport = ours
      ? new ChatTransport({ client: new Tidings(url), kind })
      : new six.DefaultChatTransport({ api: `${url}/v1/chat/${kind}` });
    const ends = [];
    const onFinish = ({ isAbort, isDisconnect, isError }) => ends.push({ isAbort, isDisconnect, isError });
    chats.set(name, { chat: new Six({ id: id ?? name, messages: [], transport, onFinish }), ends, texts: [] });
    return null;
  },
  async validate({ parts }) {
    const results = await Promise.all(parts.map((value) => safeValidateTypes({ value, schema: uiMessageChunkSchema })));
    return results.map((result) => (result.success ? null : String(result.error.message).slice(0, 300)));
  },
  async assemble({ parts, message }) {
    message ??= undefined;
    let last = null;
    const stream = ReadableStream.from(parts);
    for await (const one of readUIMessageStream({ stream, message })) last = one;
    return last;
  },
  async open({ name, api, headers, messages, ended, id }) {
    const ends = [];
    const texts = [];
    const prepare = ({ api, id, headers, credentials }) => ({
      api: `${api}/${encodeURIComponent(id)}/stream${ended ? "?ended=true" : ""}`, headers, credentials,
    });
    const transport = new DefaultChatTransport({ api, headers, prepareReconnectToStreamRequest: prepare });
    const chat = new Chat({
      id: id ?? name, messages: messages ?? [], transport,
      onFinish: ({ isAbort, isDisconnect, isError, finishReason }) => ends.push({ isAbort, isDisconnect, isError, finishReason }),
    });
    chat["~registerMessagesCallback"]?.(() => { if (texts.at(-1) !== textOf(chat)) texts.push(textOf(chat)); });
    chats.set(name, { chat, ends, texts });
    return null;
  },
  async send({ name, text, body, wait }) {
    const sent = chats.get(name).chat.sendMessage({ text }, { body });
    if (wait) await sent;
    return stateOf(name);
  },
  async regenerate({ name }) {
    await chats.get(name).chat.regenerate();
    return stateOf(name);
  },
  async approve({ name, id, approved, body, wait = true }) {
    const { chat } = chats.get(name);
    await chat.addToolApprovalResponse({ id, approved });
    const sent = chat.sendMessage(undefined, { body });
    if (wait) await sent;
    return stateOf(name);
  },
  async resume({ name, wait }) {
    const resumed = chats.get(name).chat.resumeStream();
    if (wait) await resumed;
    return stateOf(name);
  },
  async abort({ name }) {
    await chats.get(name).chat.stop();
    return stateOf(name);
  },
  async text({ name, length, withinMs }) {
    return await until(name, (state) => state.text.length >= length, withinMs);
  },
  async status({ name, among, withinMs }) {
    return await until(name, (state) => among.includes(state.status), withinMs);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { value: await operations[op](given) };
  } catch (error) {
    answer = { error: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
