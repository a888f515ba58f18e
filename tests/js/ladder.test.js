import assert from "node:assert/strict";
import { test } from "node:test";
import { ack, connect, connected, miss, polling, snapshot, streaming } from "./client.js";
import { settle } from "./fake-server.js";

test("a socket that fails twice unheard, while the server answers, gives way to an event stream", async () => {
  const all = connect();
  all.server.reachable = true;
  await miss(all);
  assert.equal(all.server.sockets.length, 2);
  await miss(all);
  assert.equal(all.server.sockets.length, 2);
  assert.equal(all.tidings.state, "open");
  assert.deepEqual(all.transports, ["sse"]);
});

test("while nothing answers at all the socket is tried on, for it is not at fault", async () => {
  const all = connect();
  for (let n = 2; n < 8; n += 1) {
    await miss(all);
    assert.equal(all.server.sockets.length, n);
  }
  all.server.greet();
  assert.deepEqual(all.transports, ["websocket"]);
});

test("a socket that once was greeted is not at fault either", async () => {
  const all = connected();
  all.server.reachable = true;
  for (let n = 0; n < 4; n += 1) {
    await miss(all);
    all.server.greet();
  }
  assert.deepEqual(new Set(all.transports), new Set(["websocket"]));
});

test("a stream that never says anything gives way to polls, though the server answers", async () => {
  const all = await streaming();
  const silent = async () => {
    await all.server.request("GET", /events/); // a proxy that keeps it until it ends
    all.time.pass(10_000);
  };
  const job = all.tidings.submit("count", {});
  (await all.server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  await miss(all, silent);
  (await all.server.request("GET", /q.1/)).json(snapshot("q.1"));
  await miss(all, silent);
  (await all.server.request("GET", /q.1/)).json(snapshot("q.1", { seq: 3, status: "succeeded", result: 7 }));
  assert.equal(await job.result, 7);
  assert.equal(all.transports.at(-1), "long-poll");
});

test("from time to time the socket is tried beside the stream, and takes over once greeted", async () => {
  const { server, time, tidings, states, transports } = await streaming({ upgradeMs: 60_000 });
  const job = tidings.submit("count", {});
  (await server.request("POST", /jobs$/)).json(ack("q.1"), 202);
  const stream = await server.request("GET", /events/);
  stream.stream();
  await settle();
  const before = states.length;
  const pass = async () => { // 60 s, half to one and a half times, with random 0.5
    for (let n = 0; n < 4; n += 1) {
      time.pass(15_000);
      stream.write(": \n\n");
      await settle();
    }
  };
  await pass();
  assert.equal(server.sockets.length, 3);
  server.drop();
  assert.equal(states.length, before); // nobody noticed
  stream.event("q.1", 2, "started");
  await settle();
  assert.equal(job.status, "running");
  await pass();
  assert.equal(server.sockets.length, 4);

  server.greet();
  assert.equal(stream.aborted, true);
  const [watch] = server.sent;
  assert.deepEqual(watch, { type: "watch", ref: watch.ref, token: "q.1", after: 2 });
  server.snapshot(watch.ref, "q.1", { seq: 2 });
  server.event("q.1", 3, "succeeded", { result: 1 });
  assert.equal(await job.result, 1);
  assert.deepEqual(transports, ["sse", "websocket"]);
  assert.deepEqual(states.slice(before), ["resuming", "open"]);
});

test("a better transport that is never greeted is let go, and tried again later", async () => {
  const { server, time, transports } = await streaming({ upgradeMs: 60_000 });
  time.pass(70_000);
  assert.equal(server.socket.closedWith, 1000);
  time.pass(60_000);
  assert.equal(server.sockets.length, 4);
  assert.deepEqual(transports, ["sse"]);
});

test("coming online tries the better one at once", async () => {
  const { server, events, transports } = await streaming();
  events.dispatchEvent(new Event("online"));
  server.greet();
  assert.deepEqual(transports, ["sse", "websocket"]);
});

test("of those above polls each is tried in turn; one that still does not work gives way after one failure", async () => {
  const { server, time, backOff, transports } = await polling({ upgradeMs: 20_000 });
  time.pass(20_000); // a plain request is answered: the stream takes over, and has yet to prove itself
  await server.request("GET", /jobs\/q.1\?after=1$/); // the poll, given up
  await settle();
  assert.equal(transports.at(-1), "long-poll");
  (await server.request("GET", /jobs\/q.1\?after=1$/)).json(snapshot("q.1"));
  await settle();
  assert.equal(transports.at(-1), "sse");
  (await server.request("GET", /events/)).fail();
  await backOff();
  (await server.request("GET", /jobs\/q.1\?after=1$/)).json(snapshot("q.1"));
  await settle();
  assert.equal(transports.at(-1), "long-poll");
  const sockets = server.sockets.length;
  time.pass(20_000);
  assert.equal(server.sockets.length, sockets + 1);
});

test("a look that is answered late counts no more against a socket that works by then", async () => {
  const all = connect();
  all.server.reachable = true;
  await miss(all);
  all.server.guarded = true;
  await miss(all);
  all.server.greet();
  (await all.server.request("GET", /kinds/)).json({ kinds: [] });
  await settle();
  await miss(all);
  all.server.greet();
  assert.deepEqual(all.transports, ["websocket", "websocket"]);
});

test("a submit under way when the transport changes is asked again under the same key", async () => {
  const { server, events, tidings } = await streaming();
  const job = tidings.submit("count", { to: 3 });
  const posted = await server.request("POST", /jobs$/);
  events.dispatchEvent(new Event("online"));
  server.greet();
  assert.equal(posted.aborted, true);
  assert.deepEqual(server.sentOf("submit"), [JSON.parse(posted.body)]);
  assert.equal(server.sent[0].key, job.key);
  server.ack(server.sent[0].ref, "q.1", { duplicate: true, seq: 4 }); // the first had arrived after all
  server.snapshot(server.sent[0].ref, "q.1", { seq: 4, status: "succeeded", result: 3 });
  assert.equal(await job.result, 3);
});

test("a submit made while everything is away goes out by whatever works first, once", async () => {
  const all = connect({ upgradeMs: 1e9 });
  const job = all.tidings.submit("count", { to: 3 });
  await miss(all);
  all.server.reachable = true;
  await miss(all);
  await miss(all);
  const posted = await all.server.request("POST", /jobs$/);
  assert.equal(JSON.parse(posted.body).key, job.key);
  posted.json(ack("q.1"), 202);
  assert.equal(await job.accepted, "q.1");
});

test("close() ends whatever transport there is, and leaves no timer", async () => {
  const all = await polling({ upgradeMs: 60_000 });
  const poll = await all.server.request("GET", /q.1/);
  all.tidings.close();
  await settle();
  assert.equal(poll.aborted, true);
  assert.equal(all.time.running, 0);
  await assert.rejects(all.job.result, { code: "closed" });
});
