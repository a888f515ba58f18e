import assert from "node:assert/strict";
import { test } from "node:test";
import { TRANSITIONS } from "../../static/client/connection/connection.js";
import { CLOSE_CODES } from "../../static/client/codes.js";
import { connect, connected, running } from "./client.js";

test("the first socket goes from connecting to open when the server says hello", () => {
  const { server, tidings, states } = connect();
  assert.equal(server.socket.url, "wss://example.test/v1/socket");
  assert.equal(server.socket.protocol, "tidings.v1.json");
  assert.equal(tidings.limits, null);

  server.greet({ max_in_flight: 7 });

  assert.deepEqual(states, ["connecting", "open"]);
  assert.equal(tidings.limits.max_in_flight, 7);
});

test("a socket that is never greeted is given up, after back-off another is tried", () => {
  const { server, time, tidings } = connect();
  time.pass(10_000);
  assert.equal(tidings.state, "backing-off");
  assert.equal(server.socket.closedWith, 1000);
  time.pass(250); // half of 500
  assert.equal(tidings.state, "connecting");
  assert.equal(server.sockets.length, 2);
});

test("each failure doubles the wait, a lasting connection resets it", () => {
  const { server, time, tidings } = connect();
  const delays = [];
  tidings.on("state", ({ state, delayMs }) => { if (state === "backing-off") delays.push(delayMs); });

  for (let tries = 0; tries < 3; tries += 1) {
    server.drop();
    time.pass(delays.at(-1));
  }
  server.greet();
  server.drop(); // it did not last
  time.pass(delays.at(-1));
  server.greet();
  time.pass(10_000);
  server.drop();

  assert.deepEqual(delays, [250, 500, 1000, 2000, 250]);
});

for (const [code, { name, reconnect }] of CLOSE_CODES) {
  test(`close code ${code} (${name}) ${reconnect ? "leads back" : "is the end"}`, () => {
    const { server, time, tidings } = connected();
    tidings.submit("count", {});
    server.drop(code);
    assert.equal(tidings.state, reconnect ? "backing-off" : "closed");
    time.pass(60_000);
    assert.equal(server.sockets.length > 1, reconnect);
  });
}

test("a close code the contract does not name is a failure like any other", () => {
  const { server, tidings } = connected();
  server.drop(1011);
  assert.equal(tidings.state, "backing-off");
});

test("goaway says when to come back, counted from the close", () => {
  const { server, time } = connected();
  server.push({ type: "goaway", reason: "draining", reconnect_after: 7.5 });
  time.pass(20_000);
  server.drop(1012);
  time.pass(7_499);
  assert.equal(server.sockets.length, 1);
  time.pass(1);
  assert.equal(server.sockets.length, 2);
});

test("a client closed for its rate stays away as long as it was told", () => {
  const { server, time } = connected();
  server.refuse(null, "rate_limited", { retry_after: 12 });
  server.drop(4029);
  time.pass(11_999);
  assert.equal(server.sockets.length, 1);
  time.pass(1);
  assert.equal(server.sockets.length, 2);
});

test("silence for a minute counts as a dead connection, any frame as life", () => {
  const { server, time, tidings } = connected();
  time.pass(50_000);
  server.push({ type: "alive" });
  time.pass(59_999);
  assert.equal(tidings.state, "open");
  time.pass(1);
  assert.equal(tidings.state, "backing-off");
});

test("a page that becomes visible after a night notices the silence at once", () => {
  let now = 0;
  const { events, tidings } = connected({ now: () => now });
  now = 8 * 3600_000; // the wall clock went on, the timers did not
  events.dispatchEvent(new Event("visibilitychange"));
  assert.equal(tidings.state, "backing-off");
});

test("coming online ends the back-off, going offline gives the socket up", () => {
  const { server, events, tidings } = connected();
  events.dispatchEvent(new Event("offline"));
  assert.equal(tidings.state, "backing-off");
  events.dispatchEvent(new Event("online"));
  assert.equal(tidings.state, "connecting");
  assert.equal(server.sockets.length, 2);
});

test("a socket that was given up is not heard any more", () => {
  const { server, time, tidings } = connected();
  const old = server.socket;
  time.pass(60_000);
  old.onclose({ code: 4403, reason: "" });
  old.onmessage({ data: "nonsense" });
  assert.equal(tidings.state, "backing-off");
});

test("what is not a frame ends the socket, a frame of a type not known does not", () => {
  const { server, tidings } = connected();
  server.push({ type: "novelty" });
  assert.equal(tidings.state, "open");
  server.socket.onmessage({ data: "{" });
  assert.equal(tidings.state, "backing-off");
});

test("with unfinished jobs a new socket is resuming until each has its snapshot", () => {
  const { server, time, states } = running();
  server.drop();
  time.pass(250);
  server.greet();
  assert.equal(states.at(-1), "resuming");
  server.snapshot(server.sent[0].ref, "q.1", { seq: 1 });
  assert.deepEqual(states, ["connecting", "open", "backing-off", "connecting", "resuming", "open"]);
});

test("close() is final, tells the jobs, and leaves no timer", async () => {
  const { server, time, tidings, job } = running();
  tidings.close();
  assert.equal(server.socket.closedWith, 1000);
  assert.equal(tidings.state, "closed");
  assert.equal(time.running, 0);
  await assert.rejects(job.result, { code: "closed" });
  await assert.rejects(tidings.submit("count", {}).result, { code: "closed" });
  await assert.rejects(tidings.watch("q.9").result, { code: "closed" });
});

test("a listener that closes the client while it backs off is obeyed", () => {
  const { server, time, tidings } = connected();
  tidings.on("state", ({ state }) => { if (state === "backing-off") tidings.close(); });
  server.drop();
  time.pass(60_000);
  assert.equal(tidings.state, "closed");
  assert.equal(server.sockets.length, 1);
});

test("every state can be left but closed, and every state can be reached", () => {
  const reached = new Set(Object.values(TRANSITIONS).flat());
  assert.deepEqual([...reached].sort(), Object.keys(TRANSITIONS).sort());
  assert.deepEqual(Object.entries(TRANSITIONS).filter(([, next]) => next.length === 0).map(([state]) => state), ["closed"]);
});
