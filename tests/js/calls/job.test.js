import assert from "node:assert/strict";
import { test } from "node:test";
import { AT } from "../fake-server.js";
import { connected, reconnect, running } from "../client.js";

const numbers = (events) => events.map(({ seq }) => seq);

test("events reach listeners by name, and the result its promise", async () => {
  const { server, job } = running();
  const heard = [];
  job.on("started", () => heard.push("started"));
  job.on("progress", ({ data }) => heard.push(data.fraction));
  job.on("log", ({ data }) => heard.push(data));
  job.on("state", ({ status }) => heard.push(status));
  job.on("finished", ({ event }) => heard.push(`finished: ${event}`));
  server.event("q.1", 2, "started");
  server.event("q.1", 3, "progress", { fraction: 0.5, message: "half", data: null });
  server.event("q.1", 4, "log", "a line");
  server.event("q.1", 5, "succeeded", { result: { late: 7 } });

  assert.deepEqual(heard, ["running", "started", 0.5, "a line", "succeeded", "finished: succeeded"]);
  assert.deepEqual(await job.result, { late: 7 });
  assert.equal(job.progress.message, "half");
});

test("an event with a number already seen is dropped", () => {
  const { server, seen } = running();
  for (const seq of [2, 3, 3, 2, 1, 4]) server.event("q.1", seq, "log", seq);
  assert.deepEqual(numbers(seen), [2, 3, 4]);
});

test("an unknown event is ignored, but its number counts", () => {
  const all = running();
  all.server.event("q.1", 2, "levitated");
  assert.deepEqual(all.seen, []);
  reconnect(all);
  assert.equal(all.server.sent[0].after, 2);
});

test("nothing follows the terminal event", () => {
  const { server, seen } = running();
  server.event("q.1", 2, "failed", { problem: { code: "handler_error", detail: "no" } });
  server.event("q.1", 3, "log", "late");
  assert.deepEqual(numbers(seen), [2]);
});

for (const [event, data, code] of [
  ["failed", { problem: { code: "timeout", detail: "too long" } }, "timeout"],
  ["cancelled", {}, "cancelled"],
  ["expired", {}, "expired"],
]) {
  test(`a job that ${event} rejects its result with code ${code}`, async () => {
    const { server, job } = running();
    server.event("q.1", 2, event, data);
    await assert.rejects(job.result, { name: "TidingsError", code });
    assert.equal(job.status, event);
  });
}

test("a failure nobody asked about is no unhandled rejection", async () => {
  const { server, tidings, job } = running();
  server.event("q.1", 2, "failed", { problem: { code: "handler_error", detail: "no" } });
  const other = tidings.submit("count", {});
  server.refuse(server.sent.at(-1).ref, "unknown_kind");
  await new Promise(setImmediate); // one would have failed this test by now
  assert.equal(job.finished && other.finished, true);
});

test("a listener that throws stops neither the others nor the connection", (t) => {
  const { server, job, tidings } = running();
  const queued = t.mock.method(globalThis, "queueMicrotask", () => {});
  const heard = [];
  job.on("log", () => { throw new Error("a listener's mistake"); });
  job.on("log", ({ data }) => heard.push(data));
  server.event("q.1", 2, "log", "a");
  assert.deepEqual(heard, ["a"]);
  assert.equal(tidings.state, "open");
  assert.throws(queued.mock.calls[0].arguments[0], /a listener's mistake/);
});

test("on() returns what ends it", () => {
  const { server, job } = running();
  const heard = [];
  const off = job.on("log", ({ data }) => heard.push(data));
  server.event("q.1", 2, "log", "a");
  off();
  server.event("q.1", 3, "log", "b");
  assert.deepEqual(heard, ["a"]);
});

test("iteration gives every event in order and ends after the terminal one", async () => {
  const { server, job } = running();
  const seen = [];
  const reading = (async () => {
    for await (const event of job) {
      seen.push(event.event);
      await new Promise(setImmediate); // slower than they come
    }
  })();
  for (let seq = 2; seq < 6; seq += 1) server.event("q.1", seq, "log", seq);
  server.event("q.1", 6, "progress", { fraction: 1 });
  server.event("q.1", 7, "succeeded", { result: 1 });
  await reading;
  assert.deepEqual(seen, ["log", "log", "log", "log", "progress", "succeeded"]);
});

test("iteration over a job that has ended gives its end", async () => {
  const { server, job } = running();
  server.event("q.1", 2, "succeeded", { result: 1 });
  const seen = [];
  for await (const { event } of job) seen.push(event);
  assert.deepEqual(seen, ["succeeded"]);
});

test("iteration over a job that is refused throws", async () => {
  const { server, tidings } = connected();
  const job = tidings.submit("nothing", {});
  const first = job[Symbol.asyncIterator]().next();
  server.refuse(server.sent[0].ref, "unknown_kind");
  await assert.rejects(first, { code: "unknown_kind" });
});

test("leaving an iteration early leaves the job alone", async () => {
  const { server, job, seen } = running();
  const reading = (async () => { for await (const event of job) return event.data; })();
  server.event("q.1", 2, "log", "a");
  assert.equal(await reading, "a");
  server.event("q.1", 3, "log", "b");
  assert.deepEqual(numbers(seen), [2, 3]);
});

test("after a break the job goes on from the last number, and what was missed comes first", () => {
  const all = running();
  const { server, seen, job } = all;
  server.event("q.1", 2, "log", "a");
  reconnect(all);
  const [watch] = server.sent;
  assert.deepEqual(watch, { type: "watch", ref: watch.ref, token: "q.1", after: 2 });

  server.snapshot(watch.ref, "q.1", {
    seq: 5, progress: { fraction: 0.4, message: null, data: null },
    log: [{ seq: 3, at: AT, data: "b" }, { seq: 4, at: AT, data: "c" }],
  });
  server.event("q.1", 5, "log", "seen in the snapshot");
  server.event("q.1", 6, "log", "d");

  assert.deepEqual(seen.map(({ event, data }) => data.fraction ?? [event, data]), [
    ["log", "a"], ["log", "b"], ["log", "c"], 0.4, ["log", "d"],
  ]);
  assert.equal(job.status, "running");
});

test("a job that ended during the break ends with the snapshot, once", async () => {
  const all = running();
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", {
    seq: 9, status: "failed", problem: { code: "rejected", detail: "no" }, milestones: { finished: AT },
  });
  await assert.rejects(all.job.result, { code: "rejected" });
  assert.deepEqual(all.seen.map(({ event, at }) => [event, at]), [["failed", AT]]);
  reconnect(all);
  assert.deepEqual(all.server.sent, []);
});

test("a snapshot with nothing new tells nothing", () => {
  const all = running();
  all.server.event("q.1", 2, "progress", { fraction: 0.1 });
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 2, progress: { fraction: 0.1 } });
  assert.equal(all.seen.length, 1);
});

test("after a rewind the numbers begin again where the store stands", () => {
  const all = running();
  all.server.event("q.1", 8, "log", "lost by a failover");
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 3, rewound: true });
  all.server.event("q.1", 4, "log", "again");
  assert.deepEqual(numbers(all.seen), [8, 4]);
});

test("an event that comes before the snapshot it follows is held back", () => {
  const all = running();
  reconnect(all);
  all.server.event("q.1", 5, "log", "new");
  assert.deepEqual(all.seen, []);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 4, log: [{ seq: 3, at: AT, data: "old" }] });
  assert.deepEqual(all.seen.map(({ data }) => data), ["old", "new"]);
});

test("a snapshot sent unasked mends a hole", () => {
  const { server, seen } = running();
  server.snapshot(null, "q.1", { seq: 4, log: [{ seq: 3, at: AT, data: "missed" }] });
  server.event("q.1", 5, "log", "next");
  assert.deepEqual(seen.map(({ data }) => data), ["missed", "next"]);
});

test("watch follows a job by its token from the start of its log", async () => {
  const { server, tidings } = connected();
  const job = tidings.watch("q.7");
  const seen = [];
  job.on("event", ({ event }) => seen.push(event));
  assert.equal(await job.accepted, "q.7");
  assert.deepEqual(server.sent[0], { type: "watch", ref: server.sent[0].ref, token: "q.7", after: 0 });
  server.snapshot(server.sent[0].ref, "q.7", {
    seq: 3, status: "succeeded", result: "done", log: [{ seq: 2, at: AT, data: "a" }],
  });
  assert.deepEqual(seen, ["log", "succeeded"]);
  assert.equal(await job.result, "done");
});

test("watch of a token nobody knows is refused", async () => {
  const { server, tidings } = connected();
  const job = tidings.watch("q.0");
  server.refuse(server.sent[0].ref, "unknown_token");
  await assert.rejects(job.result, { code: "unknown_token" });
});

test("a watch refused for a reason that passes is asked again after back-off", () => {
  const all = running();
  reconnect(all);
  all.server.refuse(all.server.sent[0].ref, "store_unavailable", { retry_after: 1 });
  assert.equal(all.job.finished, false);
  assert.equal(all.tidings.state, "resuming");
  all.time.pass(1250); // 1 s as told, and half of 500 ms
  assert.equal(all.server.sent.length, 2);
  all.server.snapshot(all.server.sent[1].ref, "q.1");
  assert.equal(all.tidings.state, "open");
});

test("two that follow one token are served by one watch from the lower number", () => {
  const { server, tidings, job, seen } = running();
  server.event("q.1", 2, "log", "a");
  const other = tidings.watch("q.1");
  const otherSeen = [];
  other.on("event", (event) => otherSeen.push(event));
  const watch = server.sent.at(-1);
  server.event("q.1", 3, "log", "b");
  server.snapshot(watch.ref, "q.1", {
    seq: 3, log: [{ seq: 2, at: AT, data: "a" }, { seq: 3, at: AT, data: "b" }],
  });
  server.event("q.1", 4, "log", "c");

  assert.deepEqual(numbers(seen), [2, 3, 4]);
  assert.deepEqual(numbers(otherSeen), [2, 3, 4]);
  job.unwatch();
  assert.deepEqual(server.sentOf("unwatch"), []);
  other.unwatch();
  assert.equal(server.sentOf("unwatch").length, 1);
});

test("unwatch ends promises and iterators, and is not resumed", async () => {
  const all = running();
  all.job.unwatch();
  await assert.rejects(all.job.result, { code: "unwatched" });
  all.server.event("q.1", 2, "log", "a");
  assert.deepEqual(all.seen, []);
  reconnect(all);
  assert.deepEqual(all.server.sent, []);
});

test("a complaint that belongs to no call is told to who listens", () => {
  const { server, tidings } = connected();
  const codes = [];
  tidings.on("error", ({ code }) => codes.push(code));
  server.refuse(null, "invalid_frame");
  assert.deepEqual(codes, ["invalid_frame"]);
});

test("a job the server no longer knows is refused, and only that one", async () => {
  const { server, job } = running();
  const problem = { code: "unknown_token", detail: "gone" };
  server.push({ type: "error", ref: null, token: "q.1", problem });
  await assert.rejects(job.result, { name: "TidingsError", code: "unknown_token" });
});
