import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_UNCONFIRMED } from "../../../static/client/codes.js";
import { TidingsError } from "../../../static/tidings.js";
import { connect, connected, reconnect, running } from "../client.js";
import { settle } from "../fake-server.js";

test("a submit carries its input, its options and a key of its own", () => {
  const { server, tidings } = connected();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const job = tidings.submit("count", { to: 3 }, { delay: 2, correlation_id: "order-7", traceparent });
  const [frame] = server.sent;
  assert.match(frame.key, /^[0-9a-f]{32}$/);
  assert.equal(job.key, frame.key);
  assert.deepEqual(frame, {
    type: "submit", ref: frame.ref, kind: "count", input: { to: 3 }, delay: 2, correlation_id: "order-7", traceparent,
    key: job.key,
  });
});

test("a submit carries its webhook; a string is its URL", () => {
  const { server, tidings } = connected();
  const options = { webhook: "https://hooks.example.com/in" };
  tidings.submit("count", {}, options);
  const webhook = { url: "https://hooks.example.com/in", events: ["failed"], id: "order-7", format: "cloudevents" };
  tidings.submit("count", {}, { webhook });
  assert.deepEqual(server.sent.map((frame) => frame.webhook), [{ url: "https://hooks.example.com/in" }, webhook]);
  assert.deepEqual(options, { webhook: "https://hooks.example.com/in" });
});

test("the token is null until the ack, then accepted resolves to it", async () => {
  const { server, tidings } = connected();
  const job = tidings.submit("count", {});
  const acks = [];
  job.on("ack", (ack) => acks.push(ack.position));
  assert.equal(job.token, null);
  server.ack(server.sent[0].ref, "q.1");
  assert.equal(job.token, "q.1");
  assert.equal(await job.accepted, "q.1");
  assert.equal(job.status, "queued");
  assert.deepEqual(acks, [0]);
});

test("a submit made before there is a connection goes out with the hello", () => {
  const { server, tidings } = connect();
  tidings.submit("count", {});
  assert.equal(server.sent.length, 0);
  server.greet();
  assert.equal(server.sent.length, 1);
});

test("a submit without an ack when the socket breaks is sent again, the same to the letter", () => {
  const { server, events, tidings } = connected();
  tidings.submit("count", { to: 3 }, { key: "k-1" });
  const [first] = server.sent;
  reconnect({ server, events });
  assert.deepEqual(server.sent, [first]);
  assert.equal(first.key, "k-1");
});

test("if the first submit had arrived after all, the duplicate's snapshot tells the whole story", async () => {
  const { server, events, tidings } = connected();
  const job = tidings.submit("count", {});
  const seen = [];
  job.on("event", ({ event, seq, data }) => seen.push([event, seq, data]));
  reconnect({ server, events });
  const { ref } = server.sent[0];

  server.ack(ref, "q.1", { seq: 4, status: "succeeded", duplicate: true });
  server.snapshot(ref, "q.1", {
    seq: 4, status: "succeeded", result: 3, progress: { fraction: 1, message: "done", data: null },
    log: [{ seq: 2, at: "2026-01-01T00:00:00Z", data: "one" }],
  });

  assert.deepEqual(seen, [
    ["log", 2, "one"],
    ["progress", 4, { fraction: 1, message: "done", data: null }],
    ["succeeded", 4, { result: 3 }],
  ]);
  assert.equal(await job.result, 3);
});

test("no more submits are in flight than the connection allows", () => {
  const { server, tidings } = connected({}, { max_in_flight: 2 });
  for (let n = 0; n < 4; n += 1) tidings.submit("count", { n });
  assert.equal(server.sent.length, 2);
  server.ack(server.sent[0].ref, "q.0");
  assert.equal(server.sent.length, 3);
  server.refuse(server.sent[1].ref, "backlog_full");
  assert.deepEqual(server.sent.map(({ input }) => input.n), [0, 1, 2, 3]);
});

test("a refusal ends that job alone, with the whole problem", async () => {
  const { server, tidings } = connected();
  const bad = tidings.submit("count", { to: "x" });
  const good = tidings.submit("count", { to: 1 });
  const refused = [];
  bad.on("refused", ({ problem }) => refused.push(problem.code));
  server.refuse(server.sent[0].ref, "invalid_input", { field: "/to" });

  await assert.rejects(bad.accepted, TidingsError);
  await assert.rejects(bad.result, ({ code, problem }) => code === "invalid_input" && problem.field === "/to");
  assert.deepEqual(refused, ["invalid_input"]);
  assert.equal(good.finished, false);
});

test("a submit that replicas have not confirmed is sent again, the same to the letter, after the time that was given", async () => {
  const { server, time, tidings } = connected({}, { max_in_flight: 1 });
  const job = tidings.submit("count", {}, { key: "k-1" });
  tidings.submit("count", {}, { key: "k-2" });
  const [first] = server.sent;
  server.refuse(first.ref, "unconfirmed", { retry_after: 1 });
  assert.equal(job.finished, false);
  assert.deepEqual(server.sent.map(({ key }) => key), ["k-1", "k-2"], "its place is free meanwhile");
  server.ack(server.sent[1].ref, "q.2");
  time.pass(1249); // 1 s as told, and half of 500 ms
  assert.equal(server.sent.length, 2);
  time.pass(1);
  assert.deepEqual(server.sent[2], first);
  server.ack(first.ref, "q.1");
  assert.equal(await job.accepted, "q.1");
});

test("a submit that is never confirmed is refused after a number of tries", async () => {
  const { server, time, tidings } = connected();
  const job = tidings.submit("count", {});
  for (let tries = 1; tries <= MOST_UNCONFIRMED; tries += 1) {
    assert.equal(job.finished, false);
    assert.equal(server.sent.length, tries);
    server.refuse(server.sent.at(-1).ref, "unconfirmed");
    time.pass(4_000);
  }
  await assert.rejects(job.result, { code: "unconfirmed" });
  assert.equal(server.sent.length, MOST_UNCONFIRMED);
});

test("a submit that waits for replicas goes to the next connection once, and ends with the client", async () => {
  const { server, events, time, tidings } = connected();
  const job = tidings.submit("count", {});
  server.refuse(server.sent[0].ref, "unconfirmed", { retry_after: 1 });
  reconnect({ server, events });
  assert.equal(server.sent.length, 1);
  time.pass(5_000);
  assert.equal(server.sent.length, 1);
  server.refuse(server.sent[0].ref, "unconfirmed", { retry_after: 1 });
  tidings.close();
  await assert.rejects(job.result, { code: "closed" });
});

test("a signal and a cancel that are not confirmed are sent again", async () => {
  const { server, time, job } = running();
  const told = [job.signal("go", 1, "s"), job.cancel()];
  await settle();
  const asked = server.sent.slice(-2);
  for (const { ref } of asked) server.refuse(ref, "unconfirmed");
  time.pass(250);
  assert.deepEqual(server.sent.slice(-2), asked);
  server.push({ type: "done", ref: asked[0].ref });
  server.refuse(asked[1].ref, "already_finished"); // the first cancel was done
  await Promise.all(told);
});

test("a submit that a leaving server refuses is taken to the next", () => {
  const { server, events, tidings } = connected();
  const job = tidings.submit("count", {}, { key: "k-1" });
  server.refuse(server.sent[0].ref, "draining");
  assert.equal(job.finished, false);
  reconnect({ server, events });
  assert.deepEqual(server.sentOf("submit").map(({ key }) => key), ["k-1"]);
});

test("a frame over the limit is refused here, for the server would close the socket", async () => {
  const { server, tidings } = connected({}, { max_frame_bytes: 200 });
  const job = tidings.submit("count", { text: "ä".repeat(100) }); // 200 bytes in UTF-8 and the rest
  await assert.rejects(job.result, ({ code, problem }) => code === "too_large" && problem.limit === 200);
  assert.equal(server.sent.length, 0);
});

test("cancel resolves when the server took note; how it ends comes as an event", async () => {
  const { server, job } = running();
  const asked = job.cancel();
  const [cancel] = server.sentOf("cancel");
  assert.equal(cancel.token, "q.1");
  server.push({ type: "done", ref: cancel.ref });
  await asked;
  assert.equal(job.finished, false);
  server.event("q.1", 2, "cancelled");
  await assert.rejects(job.result, { code: "cancelled" });
});

test("cancel of a finished job is refused, by whoever knows first", async () => {
  const { server, job } = running();
  const asked = job.cancel();
  server.refuse(server.sentOf("cancel")[0].ref, "already_finished");
  await assert.rejects(asked, { code: "already_finished" });
  server.event("q.1", 2, "succeeded", { result: 1 });
  await assert.rejects(job.cancel(), { code: "already_finished" });
});

test("a cancel without an answer when the socket breaks is asked again", async () => {
  const all = running();
  const asked = all.job.cancel();
  reconnect(all);
  const [cancel] = all.server.sentOf("cancel");
  all.server.push({ type: "done", ref: cancel.ref });
  await asked;
});

test("an abort before the submit was sent takes it back", async () => {
  const { server, tidings } = connect();
  const abort = new AbortController();
  const job = tidings.submit("count", {}, { signal: abort.signal });
  abort.abort();
  await assert.rejects(job.result, { code: "cancelled" });
  server.greet();
  assert.deepEqual(server.sent, []);
});

test("an abort between submit and ack cancels as soon as there is a token", async () => {
  const { server, tidings } = connected();
  const abort = new AbortController();
  const job = tidings.submit("count", {}, { signal: abort.signal });
  abort.abort();
  server.ack(server.sent[0].ref, "q.1");
  await job.accepted;
  await new Promise(setImmediate);
  assert.deepEqual(server.sentOf("cancel").map(({ token }) => token), ["q.1"]);
});

test("a job unwatched before its ack is submitted all the same, and not followed", async () => {
  const { server, tidings } = connected();
  const job = tidings.submit("count", {});
  job.unwatch();
  await assert.rejects(job.result, { code: "unwatched" });
  server.ack(server.sent[0].ref, "q.1");
  assert.deepEqual(server.sentOf("unwatch").map(({ token }) => token), ["q.1"]);
});

test("input that is no JSON is the caller's mistake, at once", () => {
  const { tidings } = connected();
  assert.throws(() => tidings.submit("count", { n: 1n }), TypeError);
});

test("an abort ends the wait for the answer to a cancel, and an aborted one is not asked", async () => {
  const { server, job } = running();
  const abort = new AbortController();
  const asked = job.cancel({ signal: abort.signal });
  assert.equal(server.sentOf("cancel").length, 1);
  abort.abort();
  await assert.rejects(asked, { name: "TidingsError", code: "aborted" });
  await assert.rejects(job.cancel({ signal: abort.signal }), { code: "aborted" });
  assert.equal(server.sentOf("cancel").length, 1);
});

test("an abort of a watch follows the job no longer, and leaves it alone", async () => {
  const { server, tidings } = connected();
  const abort = new AbortController();
  const job = tidings.watch("q.7", { signal: abort.signal });
  abort.abort();
  await assert.rejects(job.result, { code: "unwatched" });
  assert.deepEqual(server.sentOf("unwatch").map(({ token }) => token), ["q.7"]);
  assert.deepEqual(server.sentOf("cancel"), []);
  await assert.rejects(tidings.watch("q.8", { signal: abort.signal }).result, { code: "unwatched" });
});

test("a signal resolves when the server has it, and carries its value and a key of its own", async () => {
  const { server, job } = running();
  const given = [job.signal("approved", { by: "ann" }), job.signal("approved"), job.signal("approved", 1, { key: "k" })];
  const signals = server.sentOf("signal");
  assert.deepEqual(signals.map(({ token, name, input }) => [token, name, input]), [
    ["q.1", "approved", { by: "ann" }], ["q.1", "approved", null], ["q.1", "approved", 1],
  ]);
  assert.equal(signals[2].key, "k");
  assert.equal(new Set(signals.map(({ key }) => key)).size, 3);
  for (const { ref } of signals) server.push({ type: "done", ref });
  await Promise.all(given);
});

test("a signal without an answer when the socket breaks is sent again, the same to the letter", async () => {
  const all = running();
  const given = all.job.signal("approved", true);
  const [before] = all.server.sentOf("signal");
  reconnect(all);
  const [again] = all.server.sentOf("signal");
  assert.deepEqual(again, before);
  all.server.push({ type: "done", ref: again.ref });
  await given;
});

test("a signal before the ack waits for the token", async () => {
  const { server, tidings } = connected();
  const job = tidings.submit("order", {});
  const given = job.signal("approved", true);
  assert.deepEqual(server.sentOf("signal"), []);
  server.ack(server.sent[0].ref, "q.1");
  await new Promise(setImmediate);
  const [{ token, ref }] = server.sentOf("signal");
  assert.equal(token, "q.1");
  server.push({ type: "done", ref });
  await given;
});

test("a signal to a finished job is refused, by whoever knows first; to one not accepted, as that was", async () => {
  const { server, tidings, job } = running();
  const given = job.signal("approved");
  server.refuse(server.sentOf("signal")[0].ref, "already_finished");
  await assert.rejects(given, { code: "already_finished" });
  server.event("q.1", 2, "succeeded", { result: 1 });
  await assert.rejects(job.signal("approved"), { code: "already_finished" });
  const other = tidings.submit("order", {});
  const early = other.signal("approved");
  server.refuse(server.sentOf("submit").at(-1).ref, "invalid_input");
  await assert.rejects(early, { code: "invalid_input" });
});

test("an abort ends the wait for the answer to a signal", async () => {
  const { job } = running();
  const abort = new AbortController();
  const given = job.signal("approved", true, { signal: abort.signal });
  abort.abort();
  await assert.rejects(given, { code: "aborted" });
});
