import assert from "node:assert/strict";
import { test } from "node:test";
import { ack, connect, miss } from "../client.js";
import { settle } from "../fake-server.js";

/** Returns a client whose credentials are `c1`, `c2`, …, and those that were asked for. */
function guarded(options = {}) {
  const asked = [];
  const credential = async () => { asked.push(`c${asked.length + 1}`); return asked.at(-1); };
  return { ...connect({ credential, upgradeMs: 1e9, ...options }), asked };
}

const hello = { type: "hello", version: 1, connection: "c", limits: {}, authenticated: false };

test("the credential is the first frame, and nothing else is sent before it is taken", async () => {
  const { server, tidings } = guarded();
  tidings.submit("count", {});
  server.push(hello);
  await settle();
  const [auth] = server.sent;
  assert.deepEqual(auth, { type: "auth", ref: auth.ref, credential: "c1" });
  assert.equal(server.sent.length, 1);
  assert.equal(tidings.state, "connecting");
  server.push({ type: "done", ref: auth.ref });
  assert.equal(tidings.state, "open");
  assert.deepEqual(server.sent.map(({ type }) => type), ["auth", "submit"]);
});

test("every new socket is given a fresh one, so that one that slept does not rejoin with a stale one", async () => {
  let now = 0;
  const { server, events, backOff, asked } = guarded({ now: () => now });
  server.push(hello);
  await settle();
  server.push({ type: "done", ref: server.sent[0].ref });
  now = 8 * 3600_000;
  events.dispatchEvent(new Event("visibilitychange"));
  await backOff();
  server.push(hello);
  await settle();
  assert.deepEqual(server.sent.map(({ credential }) => credential), ["c2"]);
  assert.deepEqual(asked, ["c1", "c2"]);
});

test("a credential about to run out is replaced on the same socket", async () => {
  const { server, tidings, states } = guarded();
  const errors = [];
  tidings.on("error", ({ code }) => errors.push(code));
  server.push(hello);
  await settle();
  server.push({ type: "done", ref: server.sent[0].ref });
  server.refuse(null, "token_expiring", { retry_after: 60 });
  await settle();
  const auth = server.sent.at(-1);
  assert.deepEqual(auth, { type: "auth", ref: auth.ref, credential: "c2" });
  server.push({ type: "done", ref: auth.ref });
  assert.deepEqual(states, ["connecting", "open"]);
  server.refuse(null, "token_expiring");
  await settle();
  server.refuse(server.sent.at(-1).ref, "forbidden"); // another subject: the old one goes on
  assert.equal(tidings.state, "open");
  assert.deepEqual(errors, ["forbidden"]);
});

for (const [name, fail] of [
  ["closed with 4401", (server) => server.drop(4401)],
  ["refused", (server) => server.refuse(server.sent[0].ref, "unauthenticated")],
]) {
  test(`a credential that is ${name} leads to back-off and a fresh one`, async () => {
    const { server, backOff, asked } = guarded();
    server.push(hello);
    await settle();
    fail(server);
    await backOff();
    server.push(hello);
    await settle();
    assert.deepEqual(asked, ["c1", "c2"]);
    assert.equal(server.sent[0].credential, "c2");
  });
}

test("without a callback a server that wants a credential is the end of all that no grant opens", async () => {
  const { server, tidings } = connect();
  const job = tidings.submit("count", {});
  server.push(hello);
  await assert.rejects(job.result, { code: "unauthenticated", message: /give `new Tidings` a `credential`/ });
  assert.equal(tidings.state, "closed");
});

for (const [name, credential] of [
  ["throws", () => { throw new Error("no"); }],
  ["rejects", () => Promise.reject(new Error("no"))],
  ["has none", () => null],
]) {
  test(`a callback that ${name} is a failure like any other`, async () => {
    const { server, backOff, tidings } = connect({ credential });
    server.push(hello);
    await backOff();
    assert.equal(server.sockets.length, 2);
    assert.equal(tidings.state, "connecting");
  });
}

test("a callback that never answers is given up with the socket", async () => {
  const { server, time, backOff } = connect({ credential: () => new Promise(() => {}) });
  server.push(hello);
  time.pass(10_000);
  await backOff();
  assert.equal(server.sockets.length, 2);
});

test("a server that wants none is told none", async () => {
  const { server, tidings } = guarded();
  server.greet();
  await settle();
  assert.equal(tidings.state, "open");
  assert.deepEqual(server.sent, []);
});

test("over HTTP it goes with every request, and a 401 asks for a fresh one", async () => {
  const all = guarded();
  all.server.reachable = true;
  await miss(all);
  await miss(all);
  const job = all.tidings.submit("count", {});
  const posted = await all.server.request("POST", /jobs$/);
  const first = posted.headers.get("authorization");
  assert.match(first, /^Bearer c\d$/);
  posted.refuse(401, "unauthenticated");
  await all.backOff();
  const again = await all.server.request("POST", /jobs$/);
  assert.match(again.headers.get("authorization"), /^Bearer c\d$/);
  assert.notEqual(again.headers.get("authorization"), first);
  assert.equal(JSON.parse(again.body).key, job.key);
  again.json(ack("q.1"), 202);
  const stream = await all.server.request("GET", /events/);
  assert.equal(stream.headers.get("authorization"), again.headers.get("authorization"));
});

test("without a callback a 401 is the end", async () => {
  const all = connect({ upgradeMs: 1e9 });
  all.server.reachable = true;
  await miss(all);
  await miss(all);
  const job = all.tidings.submit("count", {});
  (await all.server.request("POST", /jobs$/)).json("who are you?", 401);
  await assert.rejects(job.result, { code: "unauthenticated" });
  assert.equal(all.tidings.state, "closed");
});

for (const [name, credential, status] of [
  ["refused", () => "stale", 401],
  ["not to be had", () => { throw new Error("no"); }, 200],
]) {
  test(`a credential that is ${name} is not the event stream's fault`, async () => {
    const all = connect({ credential, upgradeMs: 1e9 });
    all.server.reachable = all.server.guarded = true;
    const answered = async () => (await all.server.request("GET", /kinds/)).json({ kinds: [] }, status);
    for (let n = 0; n < 2; n += 1) {
      all.server.drop();
      await answered(); // the look whether the server answers at all
      await all.backOff();
    }
    const seen = new Set();
    all.tidings.on("state", ({ transport }) => seen.add(transport));
    for (let n = 0; n < 4; n += 1) {
      if (status === 401) await answered();
      await all.backOff();
    }
    assert.deepEqual(seen, new Set(["sse"]));
  });
}
