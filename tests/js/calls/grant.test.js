import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, connected, reconnect, streaming } from "../client.js";
import { settle } from "../fake-server.js";

const hello = { type: "hello", version: 1, connection: "c", limits: {}, authenticated: false };

/** Returns grants `g1`, `g2`, …, and those that were asked for. */
function source() {
  const asked = [];
  return { asked, grant: async () => { asked.push(`g${asked.length + 1}`); return asked.at(-1); } };
}

const snapshot = (ref, more = {}) => ({
  type: "snapshot", ref, token: "q.1", seq: 3, status: "running", attempt: 1, milestones: {}, progress: null, log: [],
  truncated: false, rewound: false, ...more,
});

test("a page with nothing but a grant shows it first, and asks for the job by it", async () => {
  const { server, tidings } = connect();
  const { asked, grant } = source();
  const job = tidings.watch("q.1", { grant });
  server.push(hello);
  await settle();
  const [auth] = server.sent;
  assert.deepEqual(auth, { type: "auth", ref: 0, credential: "g1" });
  server.push({ type: "done", ref: 0 });
  await settle();
  const watch = server.sent.at(-1);
  assert.deepEqual(watch, { type: "watch", ref: watch.ref, token: "q.1", after: 0, grant: "g1" });
  assert.deepEqual(asked, ["g1"], "one is enough for both");
  server.push(snapshot(watch.ref, { status: "succeeded", result: 7 }));
  assert.equal(await job.result, 7);
});

test("a page that asks for nothing yet waits, and comes when it has a grant", async () => {
  const { server, tidings } = connect();
  server.push(hello);
  await settle();
  assert.equal(tidings.state, "backing-off");
  tidings.watch("q.1", { grant: "g" });
  assert.equal(tidings.state, "connecting");
  server.push(hello);
  await settle();
  assert.deepEqual(server.sent.map(({ credential }) => credential), ["g"]);
});

test("cancel and signal go by the grant too", async () => {
  const { server, tidings } = connected();
  const job = tidings.watch("q.1", { grant: "g" });
  await settle();
  void job.cancel();
  void job.signal("approved", 1);
  await settle();
  assert.deepEqual(server.sent.map(({ type, grant }) => [type, grant]), [["watch", "g"], ["cancel", "g"], ["signal", "g"]]);
});

test("a grant about to run out is renewed on the same socket, and the job goes on from where it was", async () => {
  const { server, tidings, states } = connected();
  const { asked, grant } = source();
  const seen = [];
  const job = tidings.watch("q.1", { grant });
  job.on("event", ({ seq }) => seen.push(seq));
  await settle();
  server.push(snapshot(server.sent.at(-1).ref));
  server.push({ type: "error", ref: null, token: "q.1", problem: { code: "grant_expiring", retry_after: 60 } });
  await settle();
  const again = server.sent.at(-1);
  assert.deepEqual(again, { type: "watch", ref: again.ref, token: "q.1", after: 3, grant: "g2" });
  server.push(snapshot(again.ref));
  server.push({ type: "event", token: "q.1", seq: 4, event: "log", status: "running", at: "", data: 1 });
  assert.deepEqual(seen, [4]);
  assert.deepEqual(asked, ["g1", "g2"]);
  assert.equal(states.at(-1), "open");
});

test("one that has run out is renewed as well, and one that is what it is ends the job here", async () => {
  const { server, tidings } = connected();
  const { asked, grant } = source();
  tidings.watch("q.1", { grant });
  const fixed = tidings.watch("q.2", { grant: "g" });
  await settle();
  for (const token of ["q.1", "q.2"]) server.push({ type: "error", ref: null, token, problem: { code: "grant_expiring" } });
  await settle();
  assert.equal(fixed.finished, false, "it may end before");
  for (const token of ["q.1", "q.2"]) server.push({ type: "error", ref: null, token, problem: { code: "grant_expired" } });
  await settle();
  assert.deepEqual(asked, ["g1", "g2", "g3"]);
  await assert.rejects(fixed.result, { code: "grant_expired" });
});

test("every connection is given a fresh one", async () => {
  const all = connected();
  const { asked, grant } = source();
  all.tidings.watch("q.1", { grant });
  await settle();
  reconnect(all);
  await settle();
  assert.deepEqual(all.server.sent.filter(({ type }) => type === "watch").map((frame) => frame.grant).at(-1), "g2");
  assert.deepEqual(asked, ["g1", "g2"]);
});

test("a callback that fails is asked again, and the job is not given up", async () => {
  const { server, time, tidings } = connected();
  let fails = true;
  const errors = [];
  tidings.on("error", ({ code }) => errors.push(code));
  const job = tidings.watch("q.1", { grant: () => { if (fails) throw new Error("away"); return "g"; } });
  await settle();
  assert.deepEqual(errors, ["unauthenticated"]);
  fails = false;
  time.pass(1_000);
  await settle();
  assert.deepEqual(server.sent.map(({ type, grant }) => [type, grant]), [["watch", "g"]]);
  assert.equal(job.finished, false);
});

test("a callback that fails is not asked again once its job is followed no longer", async () => {
  const { server, time, tidings } = connected();
  let asked = 0;
  const job = tidings.watch("q.1", {
    grant: async () => {
      await null; // a page's back end answers later
      asked += 1;
      job.close();
      throw new Error("it is another's");
    },
  });
  await settle();
  time.pass(60_000);
  await settle();
  assert.equal(asked, 1);
  assert.deepEqual(server.sent.map(({ type }) => type), ["unwatch"]);
  await assert.rejects(job.result, { code: "unwatched" });
});

test("a page that has nothing but grants comes back by one of a job that it still follows", async () => {
  const { server, tidings, events } = connected();
  const ended = tidings.watch("q.1", { grant: "old" });
  await settle();
  server.push(snapshot(server.sent.at(-1).ref, { status: "succeeded", result: 7 }));
  assert.equal(await ended.result, 7);
  const job = tidings.watch("q.2", { grant: "new" });
  await settle();
  server.drop();
  events.dispatchEvent(new Event("online"));
  server.push(hello);
  await settle();
  assert.deepEqual(server.sent.map(({ credential }) => credential), ["new"]);
  assert.equal(job.finished, false);
});

test("a page that follows nothing any more waits, unless it still has something to say", async () => {
  const { server, tidings, events } = connected();
  const job = tidings.watch("q.1", { grant: "g" });
  await settle();
  job.close();
  server.push({ type: "done", ref: server.sent.at(-1).ref });
  server.drop();
  events.dispatchEvent(new Event("online"));
  server.push(hello);
  await settle();
  assert.equal(tidings.state, "backing-off");
  void job.cancel();
  assert.equal(tidings.state, "connecting");
  server.push(hello);
  await settle();
  assert.deepEqual(server.sent.map(({ credential }) => credential), ["g"]);
});

test("a grant that is refused, and is what it is, ends its job and not in a circle", async () => {
  const { server, tidings } = connect();
  const job = tidings.watch("q.1", { grant: "stale" });
  server.push(hello);
  await settle();
  server.refuse(0, "unauthenticated");
  await assert.rejects(job.result, { code: "grant_expired" });
});

test("a grant that is refused does not end jobs that are followed by another", async () => {
  const { server, tidings, backOff } = connect();
  const stale = tidings.watch("q.1", { grant: "stale" });
  const job = tidings.watch("q.2", { grant: "new" });
  server.push(hello);
  await settle();
  server.refuse(0, "unauthenticated");
  await assert.rejects(stale.result, { code: "grant_expired" });
  await backOff();
  server.push(hello);
  await settle();
  assert.deepEqual(server.sent.map(({ credential }) => credential), ["new"]);
  assert.equal(job.finished, false);
});

test("what is submitted for another is followed by the grant of its ack", async () => {
  const all = connected();
  const job = all.tidings.submit("count", {}, { owner: "alice", grant: true });
  const { ref, owner, grant } = all.server.sent[0];
  assert.deepEqual([owner, grant], ["alice", true]);
  all.server.push({ type: "ack", ref, token: "q.1", status: "queued", seq: 1, duplicate: false, grant: { grant: "g", may: ["watch"], expires_at: "" } });
  assert.equal(job.grant.grant, "g");
  reconnect(all);
  await settle();
  assert.equal(all.server.sent.at(-1).grant, "g");
});

test("over an event stream the grants stand in its address, and nowhere else", async () => {
  const { server, tidings } = await streaming();
  const open = async (pattern) => (await server.request("GET", pattern));
  tidings.watch("q.1", { grant: "g/1" });
  const look = await open(/jobs\/q\.1/);
  assert.equal(look.headers.get("authorization"), "Bearer g/1");
  assert.ok(!look.path.includes("grant"));
  look.json(snapshot(null));
  const stream = await open(/events/);
  assert.match(stream.path, /grant=g%2F1/);
});
