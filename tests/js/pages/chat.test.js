/** What the AI SDK is given of a message that attempts write, whatever they keep; and the transport's asking. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatTransport } from "../../../static/ai.js";
import { MessageReplay } from "../../../static/chat/message-replay.js";

const START = { type: "start", messageId: "m" };
const STEP = { type: "start-step" };
const RESET = { type: "reset-step" };
const text = (delta) => ({ type: "text-delta", id: "1", delta });
const all = (replay, parts) => parts.flatMap((part) => replay.take(part));

test("the first step written again takes the place of what was there", () => {
  const replay = new MessageReplay();
  all(replay, [START, STEP, text("a")]);
  assert.deepEqual(replay.goBack(0), []);
  assert.deepEqual(all(replay, [START, STEP, text("b")]), [RESET, text("b")]);
  replay.requireWhole();
});

test("what a later attempt keeps of the newest step is given again behind the reset", () => {
  const replay = new MessageReplay();
  all(replay, [START, STEP, text("a"), STEP, text("b"), text("c")]);
  assert.deepEqual(replay.goBack(5), [RESET, text("b")]);
  assert.deepEqual(all(replay, [text("d")]), [text("d")]);
});

test("an earlier step that is written otherwise is a lost connection to the SDK", () => {
  const replay = new MessageReplay();
  all(replay, [START, STEP, text("a"), STEP, text("b")]);
  replay.goBack(0);
  assert.throws(() => all(replay, [START, STEP, text("c")]), { name: "TypeError", message: /network/ });
});

test("a second reset begins to compare again, and an end in the middle of it is no end", () => {
  const replay = new MessageReplay();
  all(replay, [START, STEP, text("a"), STEP, text("b"), { type: "finish" }]);
  replay.goBack(0);
  all(replay, [START, STEP]);
  replay.goBack(1);
  assert.throws(() => replay.requireWhole(), TypeError);
  assert.equal(replay.finished, false);
  assert.deepEqual(all(replay, [STEP, text("a"), STEP, text("x")]), [RESET, text("x")]);
});

test("the head may come twice, and parts before any step cannot be taken back", () => {
  const replay = new MessageReplay();
  all(replay, [START]);
  assert.deepEqual(replay.goBack(0), []);
  assert.deepEqual(all(replay, [START, text("a")]), [START, text("a")]);
  assert.throws(() => replay.goBack(0), TypeError);
});

test("what is no part is an error with its reason", () => {
  assert.throws(() => new MessageReplay().take("text"), /what is no part of a message/);
});

test("a question that the server refuses rejects, and its fields are those of the kind", async () => {
  const asked = [];
  const refused = new Error("rate_limited");
  const client = { submit: (...given) => { asked.push(given); return { accepted: Promise.reject(refused) }; } };
  const transport = new ChatTransport({ client, kind: "answer", tags: ["web"] });
  const messages = [{ id: "m", role: "user", parts: [] }];
  const question = { trigger: "submit-message", chatId: "c", messageId: undefined, messages, body: { model: "large" } };
  await assert.rejects(transport.sendMessages(question), refused);
  const chat = { id: "c", messages, trigger: "submit-message" };
  assert.deepEqual(asked, [["answer", { model: "large", chat }, { tags: ["chat:c", "web"] }]]);
});

test("where nothing is being written there is nothing to resume or cancel", async () => {
  const client = { jobs: async () => ({ jobs: [{ token: "q.1", status: "succeeded" }] }) };
  const transport = new ChatTransport({ client, kind: "answer" });
  assert.equal(await transport.reconnectToStream({ chatId: "c" }), null);
  assert.equal(await transport.cancel("c"), false);
  assert.equal(await transport.job("c"), null);
});

const EARLIER = "data-tidings-earlier";
const earlier = (text, last) => ({ type: EARLIER, transient: true, data: { text, last } });
const HELD = [earlier('[{"type":"start-step"},{"type":"tex', false), earlier('t-start","id":"e"}]', true)];
const UNWRAPPED = [STEP, { type: "text-start", id: "e" }];

test("who has asked has what the message goes on with, and who resumes gets it in front", () => {
  const said = [{ type: "start", messageId: "m" }, ...HELD, STEP, text("a")];
  assert.deepEqual(all(new MessageReplay(), said), [said[0], STEP, text("a")]);
  const replay = new MessageReplay("q.1");
  assert.deepEqual(all(replay, said), [said[0], ...UNWRAPPED, STEP, text("a")]);
  assert.deepEqual(replay.goBack(0), []);
  assert.deepEqual(all(replay, [...said.slice(0, 4), text("b")]), [RESET, text("b")]);
  replay.requireWhole();
});

test("an attempt that dies in the middle of what was before is taken from its beginning by who resumes", () => {
  const replay = new MessageReplay("q.1");
  const start = { type: "start", messageId: "m" };
  assert.deepEqual(all(replay, [start, HELD[0]]), []);
  replay.goBack(0);
  assert.deepEqual(all(replay, [start, ...HELD]), [start, ...UNWRAPPED]);
  assert.throws(() => replay.goBack(0), TypeError);
});

test("a resume has nothing of a message that goes on with an earlier one which no chunk holds", async () => {
  for (const [messageId, chunks, most] of [["q.1", [], 3], ["m", [], 0], ["m", HELD, 5]]) {
    let left = false;
    const job = {
      token: "q.1", status: "running", result: Promise.resolve(), unwatch: () => { left = true; },
      async *stream() { yield* [{ type: "start", messageId }, ...chunks, STEP, { type: "finish" }]; },
    };
    const client = { jobs: async () => ({ jobs: [{ token: "q.1", status: "running" }] }), watch: () => job };
    const stream = await new ChatTransport({ client, kind: "answer" }).reconnectToStream({ chatId: "c" });
    const parts = [];
    for await (const part of stream) parts.push(part);
    assert.equal(parts.length, most);
    assert.equal(left, most === 0);
  }
});
