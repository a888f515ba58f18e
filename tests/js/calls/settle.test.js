/** Every call settles: what cannot be read is refused here, or reaches the call that it is of. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "../../../static/client/json.js";
import { ack, connect, connected, running, streaming } from "../client.js";
import { settle } from "../fake-server.js";

const cycle = {};
cycle.self = [cycle];

for (const [name, input] of [
  ["half of a pair in a text", { text: "half \ud83d" }],
  ["the other half", { text: "\ude00 half" }],
  ["two halves in the wrong order", { text: "\ude00\ud83d" }],
  ["half of a pair in a name", { "\ud800": 1 }],
  ["half of a pair in a list", { list: ["a", "\udfff"] }],
  ["NaN", { n: NaN }],
  ["Infinity", { deep: [{ n: -Infinity }] }],
  ["a BigInt", { n: 1n }],
  ["a cycle", cycle],
  ["a function", { f: () => 1 }],
  ["a symbol", { s: Symbol("s") }],
]) {
  test(`${name} is refused at once, in a submit and in a signal, and nothing is sent`, async () => {
    const { server, tidings, job } = running();
    const before = server.sent.length;
    assert.throws(() => tidings.submit("count", input), TypeError);
    await assert.rejects(job.signal("go", input), TypeError);
    assert.equal(server.sent.length, before);
    assert.equal(tidings.state, "open");
  });
}

for (const options of [{ key: "\ud800" }, { correlation_id: "\ud800" }, { delay: NaN }, { tier: "a\udc00" }]) {
  test(`an option that is none in JSON is refused at once: ${Object.keys(options)}`, () => {
    assert.throws(() => connected().tidings.submit("count", {}, options), TypeError);
  });
}

for (const [token, after] of [["q.\ud800", 0], ["q.1", NaN], ["q.1", 1n]]) {
  test(`a watch of ${JSON.stringify(token)} after ${after} is refused, whenever the connection comes`, async () => {
    for (const begin of [connect, connected]) {
      const { server, tidings } = begin();
      const job = tidings.watch(token, { after });
      await assert.rejects(job.result, { code: "unknown_token" });
      if (begin === connect) server.greet();
      assert.equal(tidings.state, "open");
      assert.deepEqual(server.sent, []);
    }
  });
}

test("what is at fault is named", () => {
  assert.throws(() => toJson({ a: { words: "x\ud800" } }), { message: /words: half of a surrogate pair/ });
  assert.throws(() => toJson({ a: [1, NaN] }), { message: /1: NaN/ });
});

test("what JSON has a form for is written as ever", () => {
  const value = { text: "😀 \\ud800 \u2028", n: 1e300, none: null, left: undefined, at: new Date(0), list: [[], {}] };
  assert.equal(toJson(value), JSON.stringify(value));
});

test("something so deep that it cannot be written is an error, at once", () => {
  let deep = [];
  for (let n = 0; n < 1_000_000; n += 1) deep = [deep];
  assert.throws(() => connected().tidings.submit("count", { deep }));
});

test("a refusal without a ref is of the one call that is under way", async () => {
  const { server, tidings } = connected();
  const job = tidings.submit("count", { to: 3 });
  server.refuse(null, "invalid_frame");
  await assert.rejects(job.accepted, { code: "invalid_frame" });
  await assert.rejects(job.result, { code: "invalid_frame" });
  assert.equal(tidings.state, "open");
});

test("a refusal without a ref waits until all others that were under way are answered", async () => {
  const { server, tidings, job: followed } = running();
  const [bad, good] = [tidings.submit("count", {}), tidings.submit("count", {})];
  const cancel = followed.cancel();
  const [, badFrame, goodFrame] = server.sentOf("submit");
  server.refuse(null, "invalid_frame");
  const later = tidings.submit("count", {}); // sent afterwards: it is not meant
  server.ack(goodFrame.ref, "q.2");
  assert.equal(bad.finished, false);
  server.push({ type: "done", ref: server.sentOf("cancel")[0].ref });
  await cancel;
  await assert.rejects(bad.result, { code: "invalid_frame" });
  assert.equal(badFrame.kind, "count");
  assert.equal(good.finished, false);
  assert.equal(later.finished, false);
});

test("two refusals without a ref are of the two calls that have no answer", async () => {
  const { server, tidings } = connected();
  const jobs = [1, 2, 3].map(() => tidings.submit("count", {}));
  server.refuse(null, "invalid_frame");
  server.refuse(null, "too_large");
  server.ack(server.sent[1].ref, "q.2");
  await assert.rejects(jobs[0].result);
  await assert.rejects(jobs[2].result);
  assert.equal(jobs[1].finished, false);
});

test("a refusal without a ref when nothing is under way is an error event", () => {
  const { server, tidings } = connected();
  const seen = [];
  tidings.on("error", ({ code }) => seen.push(code));
  server.refuse(null, "invalid_frame");
  server.refuse(null, "rate_limited");
  assert.deepEqual(seen, ["invalid_frame", "rate_limited"]);
});

test("a submit that breaks every connection is given up, and all others go through", async () => {
  const { server, events, tidings } = connect();
  const poison = tidings.submit("poison", {});
  const others = [1, 2, 3].map((n) => tidings.submit("good", {}, { key: `g${n}` }));
  let connections = 0;
  for (let over = false; !over; ) {
    connections += 1;
    assert.ok(connections < 20, "it is sent for ever");
    server.greet();
    // The server takes what comes in its order, and falls over the poison.
    for (let at = 0; at < server.sent.length; at += 1) {
      const { type, kind, key, ref, token } = server.sent[at];
      if (kind === "poison") break;
      if (type === "submit") server.ack(ref, `q.${key}`);
      if (type === "watch") server.snapshot(ref, token);
    }
    if (poison.finished) break;
    over = !server.sent.some(({ kind }) => kind === "poison");
    if (over) break;
    server.drop();
    events.dispatchEvent(new Event("online"));
  }
  await assert.rejects(poison.result, { code: "invalid_frame" });
  assert.deepEqual(others.map(({ token }) => token), ["q.g1", "q.g2", "q.g3"]);
  assert.equal(tidings.state === "closed", false);
});

test("connections that end as a routine blame nothing", () => {
  const all = connected();
  const job = all.tidings.submit("count", {});
  for (let n = 0; n < 30; n += 1) {
    all.server.drop(1012);
    all.events.dispatchEvent(new Event("online"));
    all.server.greet();
  }
  assert.equal(job.finished, false);
  assert.equal(all.server.sentOf("submit").length, 1);
});

test("over HTTP a submit that something before the server refuses settles, and harms nothing else", async () => {
  for (const [status, code] of [[413, "too_large"], [400, "invalid_frame"]]) {
    const { server, tidings } = await streaming();
    const job = tidings.submit("count", {});
    (await server.request("POST", /jobs$/)).json("<h1>no</h1>", status);
    await assert.rejects(job.result, { code });
    assert.equal(tidings.state, "open");
  }
});

test("over HTTP a submit over which every request breaks is given up", async () => {
  const { server, tidings, backOff } = await streaming();
  const job = tidings.submit("count", {});
  for (let n = 0; n < 10; n += 1) {
    (await server.request("POST", /jobs$/)).fail();
    await backOff();
  }
  await assert.rejects(job.result, { code: "invalid_frame" });
  const next = tidings.submit("count", {});
  (await server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  assert.equal(await next.accepted, "q.1");
});

test("a job that is not followed has a token, no result, and can be cancelled", async () => {
  const { server, tidings } = connected();
  const job = tidings.submit("count", {}, { watch: false });
  assert.equal(server.sent[0].watch, false);
  server.ack(server.sent[0].ref, "q.1");
  assert.equal(await job.accepted, "q.1");
  await assert.rejects(job.result, { code: "unwatched" });
  const cancel = job.cancel();
  assert.deepEqual(server.sentOf("cancel").map(({ token }) => token), ["q.1"]);
  server.push({ type: "done", ref: server.sentOf("cancel")[0].ref });
  await cancel;
  job.close();
  assert.deepEqual(server.sentOf("unwatch"), []);
});

test("over HTTP a job that is not followed opens no stream", async () => {
  const { server, tidings } = await streaming();
  const job = tidings.submit("count", {}, { watch: false });
  const posted = await server.request("POST", /jobs$/);
  assert.equal(JSON.parse(posted.body).watch, false);
  posted.json(ack("q.1"), 202);
  assert.equal(await job.accepted, "q.1");
  await settle();
  assert.deepEqual(server.requests, []);
});

test("close() of a job gives its watch back", async () => {
  const { server, job } = running();
  job.close();
  job.close();
  await assert.rejects(job.result, { code: "unwatched" });
  assert.deepEqual(server.sentOf("unwatch").map(({ token }) => token), ["q.1"]);
});

test("what newer clients may send is told by the hello", () => {
  const { server, tidings } = connect();
  assert.deepEqual(tidings.features, []);
  server.push({ type: "hello", version: 1, connection: "c", limits: {}, features: ["submit.webhook"] });
  assert.deepEqual(tidings.features, ["submit.webhook"]);
});
