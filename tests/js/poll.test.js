import assert from "node:assert/strict";
import { test } from "node:test";
import { ack, polling, snapshot } from "./client.js";
import { AT, settle } from "./fake-server.js";

test("a poll waits for what comes after the number seen, and the next after that", async () => {
  const { server, job, seen, transports } = await polling();
  assert.equal(transports.at(-1), "long-poll");
  const first = await server.request("GET", /q.1/);
  assert.equal(first.path, "/v1/jobs/q.1?after=1");
  assert.equal(first.headers.get("if-none-match"), '"1"');
  assert.equal(first.headers.get("prefer"), "wait=25");
  first.json(snapshot("q.1", {
    seq: 4, status: "running", progress: { fraction: 0.5 },
    log: [{ seq: 2, at: AT, data: "a" }, { seq: 3, at: AT, data: "b" }],
  }));
  const second = await server.request("GET", /q.1/);
  assert.equal(second.headers.get("if-none-match"), '"4"');
  second.json(snapshot("q.1", {
    seq: 6, status: "succeeded", result: 7, log: [3, 5].map((seq) => ({ seq, at: AT, data: "c" })),
  }));
  assert.equal(await job.result, 7);
  assert.deepEqual(seen.map(({ event, seq }) => [event, seq]), [
    ["log", 2], ["log", 3], ["progress", 4], ["log", 5], ["succeeded", 6],
  ]);
  await settle();
  assert.equal(server.requests.length, 0); // nobody polls for what has ended
});

test("with nothing new it asks again, but does not hammer a server that does not wait", async () => {
  const { server, time } = await polling();
  (await server.request("GET", /q.1/)).json(null, 304);
  await settle();
  time.pass(999);
  await settle();
  assert.equal(server.requests.length, 0);
  time.pass(1);
  const second = await server.request("GET", /q.1/);
  time.pass(25_000);
  second.json(null, 304);
  await settle();
  time.pass(0);
  await server.request("GET", /q.1/);
});

test("of many jobs four are asked for at a time, in turn, and none is forgotten", async () => {
  const { server, time, tidings } = await polling();
  for (const name of ["q.2", "q.3", "q.4", "q.5", "q.6"]) {
    tidings.submit("count", {});
    (await server.request("POST", /jobs$/)).json(ack(name), 202);
  }
  await settle();
  assert.equal(server.requests.length, 4);
  const asked = new Set();
  for (let n = 0; n < 12; n += 1) {
    const poll = await server.request("GET", /q/);
    assert.ok(server.requests.length <= 3);
    asked.add(poll.path.match(/q\.\d/)[0]);
    poll.json(null, 304);
    await settle();
    time.pass(1000);
    await settle();
  }
  assert.equal(asked.size, 6);
});

test("a poll that fails goes through back-off, and goes on from the number seen", async () => {
  const { server, backOff, tidings, job } = await polling();
  (await server.request("GET", /q.1/)).fail();
  await backOff();
  (await server.request("GET", /q.1\?after=1/)).json(snapshot("q.1", { seq: 2, status: "succeeded", result: 1 }));
  assert.equal(await job.result, 1);
  assert.equal(tidings.state, "open");
});

test("a job that is unwatched is polled for no more", async () => {
  const { server, job } = await polling();
  job.unwatch();
  (await server.request("GET", /q.1/)).json(snapshot("q.1", { seq: 2 }));
  await settle();
  assert.equal(server.requests.length, 0);
});

test("submits and cancels go as they do beside a stream", async () => {
  const { server, tidings, job } = await polling();
  const other = tidings.submit("count", {});
  (await server.request("POST", /jobs$/)).json(ack("q.2"), 202);
  assert.equal(await other.accepted, "q.2");
  const asked = job.cancel();
  (await server.request("DELETE", /jobs\/q.1$/)).json(null, 202);
  await asked;
});
