/** Tags over the fallbacks: a stream for each, or polls of its list. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, polling, snapshot, streaming } from "./client.js";
import { settle } from "./fake-server.js";

const AT = "2026-01-01T00:01:00.000Z";

function collect(follow) {
  const seen = [];
  follow.on("job", (job) => {
    seen.push([job.token]);
    job.on("event", ({ token, seq, event }) => seen.push([token, seq, event]));
  });
  return seen;
}

const sse = (request, event, data) => request.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

/** Returns a client that follows the tag `red` by a stream, and the stream's request. */
async function followed(options = {}) {
  const all = await streaming();
  const follow = all.tidings.follow("red", options);
  const request = await all.server.request("GET", /events/);
  request.stream();
  sse(request, "following", { type: "following", tag: "red", jobs: 1, at: AT });
  await settle();
  return { ...all, follow, request };
}

test("a tag has a stream of its own, with the grant in its address, and its jobs need no other", async () => {
  const all = await followed({ grant: "g/1", since: "2026-01-01T00:00:00Z" });
  assert.match(all.request.path, /events\?tag=red&since=2026-01-01T00%3A00%3A00Z&grant=g%2F1$/);
  const seen = collect(all.follow);
  all.request.event("q.1", 2, "log", 1); // a stream has the log before the snapshot
  all.request.snapshot("q.1", { seq: 2, tags: ["red"] });
  all.request.event("q.1", 3, "log", 1);
  await settle();
  assert.deepEqual(seen, [["q.1"], ["q.1", 2, "log"], ["q.1", 3, "log"]]);
  assert.deepEqual(all.server.requests, []);
});

test("a tag that is followed no longer ends its stream and nothing else", async () => {
  const all = await followed();
  all.follow.close();
  await settle();
  assert.equal(all.request.aborted, true);
  assert.equal(all.tidings.state, "open");
});

test("a stream that a grant ended is no break, and another grant opens the next", async () => {
  const grants = ["g1", "g2"];
  const all = await followed({ grant: () => grants.shift() });
  const expired = { type: "error", ref: null, tag: "red", problem: { code: "grant_expired", detail: "" } };
  sse(all.request, "grant_expired", expired);
  all.request.end();
  const again = await all.server.request("GET", /events/);
  assert.match(again.path, /tag=red&since=[^&]+&grant=g2$/);
  assert.equal(all.tidings.state, "open");
});

test("a stream of a tag that breaks is a break", async () => {
  const all = await followed();
  all.request.end();
  await settle();
  assert.equal(all.tidings.state, "backing-off");
});

test("after a break each job is looked at, and the stream of its tag brings the rest", async () => {
  const all = await followed();
  const seen = collect(all.follow);
  all.request.snapshot("q.1", { seq: 2, tags: ["red"] });
  await settle();
  all.request.end();
  await all.backOff();
  const look = await all.server.request("GET", /jobs\/q\.1/);
  look.json(snapshot("q.1", { seq: 3, log: [{ seq: 3, at: AT, data: 1 }], tags: ["red"] }));
  const request = await all.server.request("GET", /events/);
  request.stream();
  sse(request, "following", { type: "following", tag: "red", jobs: 1, at: AT });
  for (const seq of [2, 3]) request.event("q.1", seq, "log", 1);
  request.snapshot("q.1", { seq: 3, tags: ["red"] });
  request.event("q.1", 4, "log", 1);
  await settle();
  assert.deepEqual(seen.slice(1), [["q.1", 3, "log"], ["q.1", 4, "log"]]);
  assert.deepEqual(all.server.requests, [], "no stream for the job alone");
});

test("a refusal of the stream ends the follow, and not the connection", async () => {
  const all = await streaming();
  const follow = all.tidings.follow("red");
  (await all.server.request("GET", /events/)).refuse(403, "forbidden");
  await settle();
  assert.deepEqual([follow.finished, all.tidings.state], [true, "open"]);
});

test("a fourth tag is one too many where browsers open few connections", async () => {
  const all = await streaming();
  for (const tag of ["a", "b", "c"]) {
    all.tidings.follow(tag);
    const request = await all.server.request("GET", /events/);
    request.stream();
    sse(request, "following", { type: "following", tag, jobs: 0, at: AT });
  }
  await settle();
  const last = all.tidings.follow("d");
  await settle();
  await assert.rejects(async () => { for await (const _ of last); }, { code: "too_many_watches" });
});

const page = (jobs, next = null) => ({ jobs, next, at: AT });
const listed = (token, fields = {}) => (
  { token, kind: "k", status: "running", attempt: 1, tags: ["red"], submitted: AT, finished: null, correlation_id: token, ...fields }
);

test("by polls, the list of a tag brings its live jobs, and waits for more", async () => {
  const all = await polling();
  const follow = all.tidings.follow("red", { grant: "g" });
  const seen = collect(follow);
  const list = async (pattern) => all.server.request("GET", pattern);
  const first = await list(/jobs\?tag=red&limit=100$/);
  assert.equal(first.headers.get("authorization"), "Bearer g");
  first.json(page([listed("q.8"), listed("q.7", { status: "succeeded", finished: AT })]), 200, { etag: '"1"' });
  for (const state of ["scheduled", "queued", "running", "waiting"]) {
    const one = await list(new RegExp(`state=${state}`));
    one.json(page(state === "running" ? [listed("q.8")] : state === "queued" ? [listed("q.6")] : []));
  }
  const looks = { "q.8": 2, "q.6": 1 };
  for (const [token, seq] of Object.entries(looks)) {
    (await list(new RegExp(`jobs/${token.replace(".", "\\.")}\\?after=0`))).json(snapshot(token, { seq, tags: ["red"] }));
  }
  await settle();
  assert.deepEqual(seen.map(([token]) => token), ["q.8", "q.6"]);
  const poll = await list(/jobs\?tag=red&limit=100$/);
  assert.deepEqual([poll.headers.get("if-none-match"), poll.headers.get("prefer")], ['"1"', "wait=25"]);
  poll.json(page([listed("q.9"), listed("q.8")]), 200, { etag: '"2"' });
  (await list(/jobs\/q\.9\?after=0/)).json(snapshot("q.9", { seq: 4, status: "succeeded", result: 5, tags: ["red"] }));
  await settle();
  assert.deepEqual(seen.at(-1), ["q.9", 4, "succeeded"]);
  assert.equal((await list(/jobs\?tag=red/)).headers.get("if-none-match"), '"2"');
  follow.close();
});

// Lists.

test("a list is a page when it is awaited, and all jobs when it is iterated over", async () => {
  const all = await streaming({ credential: () => "secret" });
  const first = all.tidings.jobs({ tag: "red", state: "running", limit: 2 });
  const awaited = (async () => first)();
  const request = await all.server.request("GET", /jobs\?/);
  assert.equal(request.path, "/v1/jobs?tag=red&state=running&limit=2");
  assert.equal(request.headers.get("authorization"), "Bearer secret");
  request.json(page([listed("q.1")], "on"));
  assert.deepEqual((await awaited).jobs.map(({ token }) => token), ["q.1"]);
  const tokens = [];
  const read = (async () => { for await (const { token } of all.tidings.jobs()) tokens.push(token); })();
  (await all.server.request("GET", /jobs$/)).json(page([listed("q.2")], "on"));
  (await all.server.request("GET", /jobs\?cursor=on$/)).json(page([], "more"));
  (await all.server.request("GET", /jobs\?cursor=more$/)).json(page([listed("q.3")]));
  await read;
  assert.deepEqual(tokens, ["q.2", "q.3"]);
});

test("a list by a grant shows that, and one of tabs that share a connection what they share", async () => {
  const all = await streaming({ credential: () => "own" });
  void all.tidings.jobs({ tag: "red", grant: async () => "tdg_1" }).then(() => {});
  assert.equal((await all.server.request("GET", /jobs/)).headers.get("authorization"), "Bearer tdg_1");
  class Shared {
    static credential = () => "shared";
    close() {}
  }
  const tab = connect({ WebSocket: Shared });
  tab.server.reachable = true;
  void tab.tidings.jobs().then(() => {});
  assert.equal((await tab.server.request("GET", /jobs/)).headers.get("authorization"), "Bearer shared");
});

test("what goes wrong with a list is a TidingsError", async () => {
  const all = await streaming();
  const refused = assert.rejects(all.tidings.jobs({ limit: 1000 }).then(), { name: "TidingsError", code: "invalid_frame" });
  (await all.server.request("GET", /jobs/)).refuse(400, "invalid_frame");
  await refused;
  const foreign = assert.rejects(all.tidings.jobs().then(), { code: "unreachable" });
  (await all.server.request("GET", /jobs/)).json("a proxy's page", 502);
  await foreign;
  const away = assert.rejects(all.tidings.jobs().then(), { code: "unreachable" });
  (await all.server.request("GET", /jobs/)).fail();
  await away;
  const abort = new AbortController();
  const aborted = assert.rejects(all.tidings.jobs({ signal: abort.signal }).then(), { code: "aborted" });
  await all.server.request("GET", /jobs/);
  abort.abort();
  await aborted;
});
