import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, connected, reconnect } from "./client.js";
import { settle } from "./fake-server.js";

const AT = "2026-01-01T00:01:00.000Z";

/** A connected client that follows the tag `red`; what it has found, in `jobs`. */
async function following(options = {}) {
  const all = connected();
  const follow = all.tidings.follow("red", options);
  const jobs = [];
  const told = [];
  follow.on("job", (job) => {
    jobs.push(job);
    job.on("event", ({ token, seq, event, data }) => told.push([token, seq, event, data]));
  });
  await settle();
  const { ref } = all.server.sentOf("follow").at(-1);
  answer(all, ref);
  return { ...all, follow, jobs, told };
}

const answer = ({ server }, ref, jobs = 0) => server.push({ type: "following", ref, tag: "red", jobs, at: AT });

const found = ({ server }, token, fields = {}) => server.snapshot(null, token, { tags: ["red"], log: [], progress: null, ...fields });

const log = (...numbers) => numbers.map((seq) => ({ seq, at: AT, data: seq }));

test("each job of a tag comes once, and its events follow its snapshot", async () => {
  const all = await following();
  found(all, "q.1", { seq: 3, log: log(2, 3) });
  found(all, "q.1", { seq: 3, log: log(2, 3) });
  all.server.event("q.1", 4, "log", 4);
  found(all, "q.2", { seq: 1, tags: ["x", "red"] });
  all.server.snapshot(null, "q.3", { tags: ["blue"] });
  assert.deepEqual(all.jobs.map(({ token }) => token), ["q.1", "q.2"]);
  assert.deepEqual(all.told.map(([token, seq]) => [token, seq]), [["q.1", 2], ["q.1", 3], ["q.1", 4]]);
  all.server.event("q.1", 5, "succeeded", { result: 7 });
  assert.equal(await all.jobs[0].result, 7);
  assert.deepEqual(all.server.sentOf("watch"), [], "the server watches them of itself");
});

test("an iterator has each job, and misses none of its events", async () => {
  const all = connected();
  const follow = all.tidings.follow("red");
  await settle();
  answer(all, all.server.sentOf("follow")[0].ref);
  const seen = [];
  const done = (async () => {
    for await (const job of follow) job.on("event", ({ seq }) => seen.push([job.token, seq]));
  })();
  found(all, "q.1", { seq: 2, log: log(2) });
  await settle();
  all.time.pass(0);
  all.server.event("q.1", 3, "log", 3);
  assert.deepEqual(seen, [["q.1", 2], ["q.1", 3]]);
  follow.close();
  await done;
});

test("a job that is taken late is asked for once more where it has moved on, and its log is whole", async () => {
  const all = connected();
  const follow = all.tidings.follow("red");
  await settle();
  answer(all, all.server.sentOf("follow")[0].ref);
  found(all, "q.1", { seq: 2, log: log(2) });
  found(all, "q.2", { seq: 5, log: log(5) });
  all.server.event("q.1", 3, "log", 3);
  const seen = [];
  follow.on("job", (job) => job.on("event", ({ seq }) => seen.push([job.token, seq])));
  await settle();
  assert.deepEqual(all.server.sentOf("watch").map(({ token, after }) => [token, after]), [["q.1", 0]]);
  all.server.snapshot(all.server.sent.at(-1).ref, "q.1", { seq: 3, log: log(2, 3) });
  assert.deepEqual(seen, [["q.2", 5], ["q.1", 2], ["q.1", 3]]);
});

test("after a break it follows on from a little before what it heard last, and goes on where each job was", async () => {
  const all = await following();
  found(all, "q.1", { seq: 2, log: log(2) });
  all.server.push({ type: "event", token: "q.1", seq: 3, event: "log", status: "running", at: "2026-01-01T00:02:00Z", data: 3 });
  reconnect(all);
  await settle();
  const [watch, follow] = all.server.sent;
  assert.deepEqual([watch.type, watch.token, watch.after], ["watch", "q.1", 3]);
  assert.deepEqual([follow.type, follow.since], ["follow", "2026-01-01T00:01:50.000Z"]);
  all.server.snapshot(watch.ref, "q.1", { seq: 4, log: log(4) });
  answer(all, follow.ref, 3);
  found(all, "q.1", { seq: 4, log: log(2, 3, 4) });
  found(all, "q.2", { seq: 9, status: "succeeded", result: 1, milestones: { finished: "2026-01-01T00:01:55Z" } });
  found(all, "q.0", { seq: 9, status: "succeeded", result: 1, milestones: { finished: "2026-01-01T00:00:59Z" } });
  assert.deepEqual(all.jobs.map(({ token }) => token), ["q.1", "q.2"], "q.0 had ended before the follow began");
  assert.deepEqual(all.told.filter(([token]) => token === "q.1").map(([, seq]) => seq), [2, 3, 4]);
  assert.equal(await all.jobs[1].result, 1);
});

test("a job that an operator has replayed comes again", async () => {
  const all = await following();
  found(all, "q.1", { seq: 3 });
  all.server.event("q.1", 4, "failed", { problem: { code: "handler_error", detail: "" } });
  found(all, "q.1", { seq: 4, status: "failed", problem: { code: "handler_error" } });
  assert.equal(all.jobs.length, 1);
  found(all, "q.1", { seq: 5, status: "queued" });
  assert.deepEqual(all.jobs.map(({ status }) => status), ["failed", "queued"]);
});

test("closed, it ends its iterators, and its jobs go on by a word of their own", async () => {
  const all = await following();
  found(all, "q.1", { seq: 2 });
  found(all, "q.2", { seq: 2 });
  all.jobs[1].unwatch();
  const rest = (async () => { const more = []; for await (const job of all.follow) more.push(job); return more; })();
  all.follow.close();
  assert.deepEqual(await rest, []);
  assert.deepEqual(all.server.sent.map(({ type, token, tag }) => [type, token ?? tag]), [
    ["follow", "red"], ["unwatch", "q.2"], ["watch", "q.1"], ["unfollow", "red"],
  ]);
  found(all, "q.3");
  assert.equal(all.jobs.length, 2);
  assert.equal(all.follow.finished, true);
});

test("a refusal ends it, and says why to listeners and iterators", async () => {
  const all = connected();
  const follow = all.tidings.follow("red");
  const problems = [];
  follow.on("refused", ({ problem }) => problems.push(problem.code));
  await settle();
  all.server.refuse(all.server.sent[0].ref, "forbidden");
  await assert.rejects(async () => { for await (const _ of follow); }, { code: "forbidden" });
  assert.deepEqual(problems, ["forbidden"]);
});

test("a refusal that passes is asked again", async () => {
  const all = connected();
  const follow = all.tidings.follow("red");
  await settle();
  all.server.refuse(all.server.sent[0].ref, "store_unavailable");
  all.time.pass(1_000);
  assert.equal(all.server.sentOf("follow").length, 2);
  assert.equal(follow.finished, false);
});

test("two follows of one tag ask one after the other, and each has every job", async () => {
  const all = await following();
  found(all, "q.1", { seq: 2 });
  const [one, other] = [all.tidings.follow("red"), all.tidings.follow("red")];
  const seen = [];
  one.on("job", ({ token }) => seen.push(["one", token]));
  other.on("job", ({ token }) => seen.push(["other", token]));
  await settle();
  assert.equal(all.server.sentOf("follow").length, 2, "the second has no answer yet");
  answer(all, all.server.sentOf("follow")[1].ref, 1);
  found(all, "q.1", { seq: 2 });
  assert.equal(all.server.sentOf("follow").length, 3);
  assert.deepEqual(seen, [["one", "q.1"], ["other", "q.1"]]);
  assert.equal(all.jobs.length, 1);
  one.close();
  assert.deepEqual(all.server.sentOf("unfollow"), []);
});

test("a signal that aborts closes it", async () => {
  const all = connected();
  const abort = new AbortController();
  const follow = all.tidings.follow("red", { signal: abort.signal });
  abort.abort();
  assert.equal(follow.finished, true);
});

// By a grant.

/** Returns grants `g1`, `g2`, …, and those that were asked for. */
function source() {
  const asked = [];
  return { asked, grant: async () => { asked.push(`g${asked.length + 1}`); return asked.at(-1); } };
}

test("a page with nothing but a grant for a tag shows it first, and follows by it", async () => {
  const { server, tidings } = connect();
  const { asked, grant } = source();
  tidings.follow("red", { grant });
  server.push({ type: "hello", version: 1, connection: "c", limits: {}, authenticated: false });
  await settle();
  assert.deepEqual(server.sent, [{ type: "auth", ref: 0, credential: "g1" }]);
  server.push({ type: "done", ref: 0 });
  await settle();
  assert.deepEqual(server.sent.at(-1), { type: "follow", ref: 1, tag: "red", grant: "g1" });
  assert.deepEqual(asked, ["g1"]);
});

test("the grant of a tag is renewed once for the tag and all its jobs, which go on", async () => {
  const { asked, grant } = source();
  const all = await following({ grant });
  found(all, "q.1", { seq: 2 });
  found(all, "q.2", { seq: 2 });
  for (const what of [{ tag: "red" }, { token: "q.1" }, { token: "q.2" }]) {
    all.server.push({ type: "error", ref: null, ...what, problem: { code: "grant_expiring", retry_after: 60 } });
  }
  await settle();
  assert.deepEqual(asked, ["g1", "g2"]);
  const again = all.server.sentOf("follow").at(-1);
  assert.deepEqual([again.grant, all.server.sentOf("follow").length, all.server.sentOf("watch").length], ["g2", 2, 0]);
  void all.jobs[0].cancel();
  await settle();
  assert.equal(all.server.sentOf("cancel")[0].grant, "g2");
});

test("after a break one fresh grant opens the tag and its jobs", async () => {
  const { asked, grant } = source();
  const all = await following({ grant });
  found(all, "q.1", { seq: 2 });
  found(all, "q.2", { seq: 2 });
  reconnect(all);
  await settle();
  assert.deepEqual(asked, ["g1", "g2"]);
  assert.deepEqual(all.server.sent.map(({ type, grant: by }) => [type, by]).sort(), [["follow", "g2"], ["watch", "g2"], ["watch", "g2"]]);
});

test("a grant that is what it is warns the page, and ends the follow and its jobs with it", async () => {
  const all = await following({ grant: "g" });
  found(all, "q.1", { seq: 2 });
  const own = all.tidings.watch("q.9");
  const warned = [];
  all.follow.on("expiring", ({ problem }) => warned.push(problem.retry_after));
  const tell = (code) => all.server.push({ type: "error", ref: null, tag: "red", problem: { code, retry_after: 5 } });
  tell("grant_expiring");
  assert.deepEqual(warned, [5]);
  tell("grant_expired");
  await assert.rejects(all.jobs[0].result, { code: "grant_expired" });
  assert.deepEqual([all.follow.finished, own.finished], [true, false]);
});

test("jobs of a follow that is closed go on by its grant, and it is renewed for them", async () => {
  const { grant } = source();
  const all = await following({ grant });
  found(all, "q.1", { seq: 2 });
  all.follow.close();
  const [watch] = all.server.sentOf("watch");
  assert.deepEqual([watch.token, watch.grant], ["q.1", "g1"]);
  all.server.snapshot(watch.ref, "q.1", { seq: 2 });
  all.server.push({ type: "error", ref: null, token: "q.1", problem: { code: "grant_expiring" } });
  await settle();
  assert.deepEqual(all.server.sentOf("watch").map((frame) => frame.grant), ["g1", "g2"]);
});

test("a tag that a new credential does not open is followed no more", async () => {
  const all = await following();
  all.server.push({ type: "error", ref: null, tag: "red", problem: { code: "forbidden", detail: "no" } });
  assert.equal(all.follow.finished, true);
});

test("a job for which there is no room is told of", async () => {
  const all = await following();
  const errors = [];
  all.tidings.on("error", ({ code }) => errors.push(code));
  all.server.push({ type: "error", ref: null, token: "q.1", problem: { code: "too_many_watches", detail: "" } });
  assert.deepEqual(errors, ["too_many_watches"]);
});

test("a page whose only grant has run out waits, and goes on with the next", async () => {
  const all = connect();
  all.server.greet();
  const ends = [];
  const follow = (grant) => all.tidings.follow("red", { grant }).on("refused", ({ problem }) => ends.push(problem.code));
  follow("tdg_old");
  await settle();
  answer(all, all.server.sentOf("follow").at(-1).ref);
  all.server.push({ type: "error", ref: null, tag: "red", problem: { code: "grant_expired", detail: "it is over" } });
  await settle();
  assert.deepEqual(ends, ["grant_expired"]);
  all.server.drop(4401);
  await settle();
  assert.equal(all.tidings.state, "backing-off");
  follow("tdg_new");
  await settle();
  assert.equal(all.tidings.state, "connecting");
  all.server.greet();
  await settle();
  const [{ ref, grant }] = all.server.sentOf("follow").slice(-1);
  assert.equal(grant, "tdg_new");
  answer(all, ref, 1);
  found(all, "q.1");
  await settle();
  assert.deepEqual(ends, ["grant_expired"]);
});
