import assert from "node:assert/strict";
import { test } from "node:test";
import { ack, miss, snapshot, streaming } from "./client.js";
import { AT, settle } from "./fake-server.js";

/** Returns a client by event stream, with the accepted job `q.1` and the stream that brings its events. */
async function following(options = {}) {
  const all = await streaming(options);
  const job = all.tidings.submit("count", { to: 3 });
  const seen = [];
  job.on("event", (event) => seen.push(event));
  (await all.server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  const stream = await all.server.request("GET", /events/);
  stream.stream();
  return { ...all, job, seen, stream };
}

const numbers = (events) => events.map(({ seq }) => seq);

test("a submit is a POST of the frame itself, and the events come after the number of its ack", async () => {
  const { server, tidings } = await streaming();
  tidings.submit("count", { to: 3 }, { key: "k-1", delay: 2 });
  const posted = await server.request("POST", /^\/v1\/jobs$/);
  const { kind, input, key, delay } = JSON.parse(posted.body);
  assert.deepEqual({ kind, input, key, delay }, { kind: "count", input: { to: 3 }, key: "k-1", delay: 2 });
  assert.equal(posted.headers.get("content-type"), "application/json");
  posted.json(ack("q.1", { seq: 4 }), 202);
  assert.equal((await server.request("GET", /events/)).path, "/v1/events?token=q.1&after=4");
});

test("events reach the job in order, however the network cuts the stream", async () => {
  const { job, seen, stream } = await following();
  stream.snapshot("q.1");
  const frame = { type: "event", token: "q.1", seq: 2, event: "log", status: "running", at: AT, data: "ä" };
  for (const letter of `id: 2\nevent: log\ndata: ${JSON.stringify(frame)}\n\n: \n\n`) stream.write(letter);
  stream.event("q.1", 3, "log", "b");
  stream.event("q.1", 4, "succeeded", { result: 1 });
  assert.equal(await job.result, 1);
  assert.deepEqual(seen.map(({ event, data }) => event === "log" ? data : event), ["ä", "b", "succeeded"]);
});

test("texts with what only Unicode takes for the end of a line arrive whole", async () => {
  const { job, seen, stream } = await following();
  const text = "a\u2028b\u2029c\u0085d\ve\ff";
  stream.event("q.1", 2, "log", text);
  stream.event("q.1", 3, "succeeded", { result: text });
  assert.equal(await job.result, text);
  assert.equal(seen[0].data, text);
});

test("a stream of comments alone is alive", async () => {
  const { time, tidings, stream } = await following();
  await settle();
  for (let n = 0; n < 5; n += 1) {
    time.pass(40_000);
    stream.write(":\n");
    await settle();
  }
  assert.equal(tidings.state, "open");
});

for (const [form, value] of [
  ["seconds", () => "7"],
  ["a date", (now) => new Date(Math.ceil((now + 7000) / 1000) * 1000).toUTCString()],
]) {
  test(`an answer that is not the server's says when to come back, in ${form}`, async () => {
    const { server, time, tidings } = await streaming();
    const delays = [];
    tidings.on("state", ({ delayMs }) => delays.push(delayMs));
    tidings.submit("count", {});
    (await server.request("POST", /jobs$/)).json("<h1>later</h1>", 503, { "retry-after": value(time.now()) });
    await settle();
    assert.ok(delays[0] >= 7000 && delays[0] <= 8000, `${delays[0]}`);
  });
}

test("a server that tells the whole log again is heard once", async () => {
  const { seen, stream, job } = await following();
  stream.event("q.1", 2, "log", "a");
  stream.event("q.1", 3, "log", "b");
  stream.event("q.1", 2, "log", "a");
  stream.event("q.1", 3, "log", "b");
  stream.snapshot("q.1", { seq: 3 });
  stream.event("q.1", 4, "succeeded", { result: 1 });
  await job.result;
  assert.deepEqual(numbers(seen), [2, 3, 4]);
});

test("one more job opens one stream for both, from where each stands", async () => {
  const { server, tidings, stream } = await following();
  stream.event("q.1", 2, "log", "a");
  await settle();
  tidings.submit("count", {});
  (await server.request("POST", /jobs$/)).json(ack("q.2"), 202);
  assert.equal((await server.request("GET", /events/)).path, "/v1/events?token=q.1&after=2&token=q.2&after=1");
  assert.equal(stream.aborted, true);
  await settle();
  assert.equal(tidings.state, "open");
});

test("while a stream opens, more jobs wait for its first bytes: then one is opened for all", async () => {
  const { server, tidings } = await streaming();
  for (const name of ["q.1", "q.2", "q.3"]) {
    tidings.submit("count", {});
    (await server.request("POST", /jobs$/)).json(ack(name), 202);
  }
  const first = await server.request("GET", /events/);
  assert.equal(first.path, "/v1/events?token=q.1&after=1");
  await settle();
  assert.equal(server.requests.length, 0);
  first.stream();
  assert.match((await server.request("GET", /events/)).path, /q.1.*q.2.*q.3/);
});

test("a stream that breaks is opened again after back-off; what was missed comes with the snapshot", async () => {
  const { server, backOff, tidings, job, seen, stream, transports } = await following();
  stream.event("q.1", 2, "log", "a");
  await settle();
  stream.fail();
  await backOff();
  const look = await server.request("GET", /jobs\/q.1/);
  assert.equal(look.path, "/v1/jobs/q.1?after=2");
  assert.equal(tidings.state, "resuming");
  look.json(snapshot("q.1", { seq: 4, status: "running", log: [{ seq: 3, at: AT, data: "b" }] }));
  const again = await server.request("GET", /events/);
  assert.equal(again.path, "/v1/events?token=q.1&after=4");
  assert.equal(tidings.state, "open");
  again.stream();
  again.event("q.1", 5, "succeeded", { result: 1 });
  await job.result;
  assert.deepEqual(numbers(seen), [2, 3, 5]);
  assert.deepEqual(transports, ["sse", "sse"]);
});

test("the server ends a stream whose jobs have ended: nothing is lost by that", async () => {
  const { tidings, job, stream } = await following();
  stream.event("q.1", 2, "succeeded", { result: 1 });
  stream.end();
  await job.result;
  await settle();
  assert.equal(tidings.state, "open");
});

test("a stream that ends before its jobs is a loss", async () => {
  const { server, backOff, job, stream } = await following();
  stream.end();
  await backOff();
  (await server.request("GET", /q.1/)).json(snapshot("q.1", { seq: 3, status: "succeeded", result: 1 }));
  assert.equal(await job.result, 1);
});

test("one who joins is told the log from its start, whatever the stream says meanwhile", async () => {
  const { server, tidings, seen, stream } = await following();
  stream.event("q.1", 2, "log", "a");
  await settle();
  const joined = [];
  tidings.watch("q.1").on("event", (event) => joined.push(event));
  const look = await server.request("GET", /q.1\?after=0/);
  stream.snapshot("q.1", { seq: 2 }); // as after a hole: it tells what others have not seen
  stream.event("q.1", 3, "log", "b");
  await settle();
  look.json(snapshot("q.1", { seq: 2, log: [{ seq: 2, at: AT, data: "a" }] }));
  await settle();
  assert.deepEqual(numbers(joined), [2, 3]);
  assert.deepEqual(numbers(seen), [2, 3]);
});

test("what is asked after a long silence has its full time to be answered", async () => {
  const { server, time, tidings } = await streaming();
  time.pass(3_630_000);
  tidings.submit("count", {});
  await server.request("POST", /jobs$/);
  time.pass(59_999);
  assert.equal(tidings.state, "open");
  time.pass(1);
  assert.equal(tidings.state, "backing-off");
});

test("without jobs an hour of silence is no loss, with one a minute is", async () => {
  const { server, time, tidings } = await streaming();
  time.pass(3600_000);
  assert.equal(tidings.state, "open");
  tidings.submit("count", {});
  (await server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  (await server.request("GET", /events/)).stream();
  await settle();
  time.pass(59_999);
  assert.equal(tidings.state, "open");
  time.pass(1);
  time.pass(60_000);
  assert.notEqual(tidings.state, "open");
});

test("a refusal ends that job alone, with the whole problem", async () => {
  const { server, tidings, job } = await following();
  const bad = tidings.submit("count", { to: "x" });
  (await server.request("POST", /jobs$/)).refuse(422, "invalid_input", { field: "/input/to" });
  await assert.rejects(bad.result, ({ code, problem }) => code === "invalid_input" && problem.field === "/input/to");
  assert.equal(job.finished, false);
  assert.equal(tidings.state, "open");
});

test("an answer that is not the server's is a loss, and the call is asked again", async () => {
  const { server, backOff, tidings } = await streaming();
  tidings.submit("count", {}, { key: "k-1" });
  (await server.request("POST", /jobs$/)).json("<h1>Bad gateway</h1>", 502);
  await backOff();
  assert.equal(JSON.parse((await server.request("POST", /jobs$/)).body).key, "k-1");
});

test("a submit that a leaving server refuses is taken to the next", async () => {
  const { server, time, tidings } = await streaming();
  const job = tidings.submit("count", {}, { key: "k-1" });
  (await server.request("POST", /jobs$/)).refuse(503, "draining", { retry_after: 3 });
  await settle();
  time.pass(2999);
  assert.equal(tidings.state, "backing-off");
  time.pass(1);
  (await server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  assert.equal(await job.accepted, "q.1");
});

test("a known key leads to the earlier job, whose snapshot tells the whole story", async () => {
  const { server, tidings } = await streaming();
  const job = tidings.submit("count", {});
  const seen = [];
  job.on("event", ({ event }) => seen.push(event));
  (await server.request("POST", /jobs$/)).json(ack("q.1", { duplicate: true, seq: 3, status: "succeeded" }), 202);
  (await server.request("GET", /q.1\?after=0/)).json(
    snapshot("q.1", { seq: 3, status: "succeeded", result: 7, log: [{ seq: 2, at: AT, data: "a" }] }),
  );
  assert.equal(await job.result, 7);
  assert.deepEqual(seen, ["log", "succeeded"]);
});

test("cancel is a DELETE", async () => {
  const { server, job } = await following();
  const asked = job.cancel();
  (await server.request("DELETE", /jobs\/q.1$/)).json(null, 202);
  await asked;
  const late = job.cancel();
  (await server.request("DELETE", /jobs\/q.1$/)).refuse(409, "already_finished");
  await assert.rejects(late, { code: "already_finished" });
});

test("a signal is a POST of its value, with its key in a header", async () => {
  const { server, job } = await following();
  const given = job.signal("approved", { by: "ann" }, { key: "k" });
  const request = await server.request("POST", /jobs\/q.1\/signals\/approved$/);
  assert.equal(request.body, '{"by":"ann"}');
  assert.equal(request.headers.get("idempotency-key"), "k");
  request.json(null, 202);
  await given;
  const late = job.signal("a b/c");
  (await server.request("POST", /jobs\/q.1\/signals\/a%20b%2Fc$/)).refuse(400, "invalid_frame");
  await assert.rejects(late, { code: "invalid_frame" });
});

test("unwatch of the last job ends the stream", async () => {
  const { job, stream, tidings } = await following();
  job.unwatch();
  await settle();
  assert.equal(stream.aborted, true);
  assert.equal(tidings.state, "open");
});

test("watch of a token nobody knows is refused, and harms no other", async () => {
  const { server, tidings, job } = await following();
  const lost = tidings.watch("q.0");
  (await server.request("GET", /q.0/)).refuse(404, "unknown_token");
  await assert.rejects(lost.result, { code: "unknown_token" });
  assert.equal(job.finished, false);
  assert.equal(tidings.state, "open");
});

test("no stream carries more than a hundred jobs", async () => {
  const { server, tidings } = await streaming();
  const jobs = [];
  for (let n = 0; n < 101; n += 1) jobs.push(tidings.watch(`q.${n}`));
  for (let n = 0; n < 101; n += 1) {
    (await server.request("GET", new RegExp(`jobs/q.${n}\\?`))).json(snapshot(`q.${n}`));
  }
  await assert.rejects(jobs[100].result, { code: "too_many_watches" });
  (await server.request("GET", /events/)).stream();
  const { path } = await server.request("GET", /events/);
  assert.equal(path.match(/token=/g).length, 100);
});

test("after a rewind the numbers begin again where the store stands", async () => {
  const { server, backOff, stream, seen, job } = await following();
  stream.event("q.1", 8, "log", "lost by a failover");
  await settle();
  stream.fail();
  await backOff();
  (await server.request("GET", /q.1/)).json(snapshot("q.1", { seq: 3, status: "running" }));
  const again = await server.request("GET", /events/);
  assert.match(again.path, /after=3$/);
  again.stream();
  again.event("q.1", 4, "succeeded", { result: 1 });
  await job.result;
  assert.deepEqual(numbers(seen), [8, 4]);
});

test("a stream refused before it began counts against streams", async () => {
  const all = await streaming();
  all.tidings.submit("count", {});
  (await all.server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  await miss(all, async () => (await all.server.request("GET", /events/)).json("no", 405));
  (await all.server.request("GET", /q.1/)).json(snapshot("q.1"));
  await miss(all, async () => (await all.server.request("GET", /events/)).json("no", 405));
  assert.equal(all.transports.at(-1), "sse");
  (await all.server.request("GET", /q.1/)).json(snapshot("q.1"));
  await settle();
  assert.equal(all.transports.at(-1), "long-poll");
});
