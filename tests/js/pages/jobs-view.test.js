/** The list of jobs that a component shows, without a framework. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { JobsView } from "../../../static/frameworks/jobs-view.js";
import { connected, reconnect } from "../client.js";
import { settle } from "../fake-server.js";

const AT = "2026-01-01T00:01:00.000Z";

/** A view of the tag `red` to which a component listens; `told` counts how often it was called. */
async function listening({ limit, grant, since } = {}) {
  const all = connected();
  const view = new JobsView((again) => all.tidings.follow("red", { grant, since: since ?? again }), limit);
  const told = [];
  const leave = view.subscribe(() => told.push(view.seen));
  await settle();
  answer(all);
  return { ...all, view, told, leave };
}

function answer({ server }) {
  const { ref } = server.sentOf("follow").at(-1);
  server.push({ type: "following", ref, tag: "red", jobs: 0, at: AT });
}

/** A job that was submitted at that second. */
const found = ({ server }, token, second, fields = {}) => server.snapshot(null, token, {
  tags: ["red"], kind: "count", log: [], progress: null, status: "running", seq: 2,
  milestones: { submitted: `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z` }, ...fields,
});

const shown = ({ view }) => view.seen.jobs.map(({ token, status }) => `${token} ${status}`);

/** Lets the promises of jobs and the view's turn pass. */
const turn = () => new Promise((done) => { setTimeout(done, 1); });

test("the list has the newest first, in whatever order they come, with what is known of each", async () => {
  const all = await listening();
  assert.deepEqual(all.view.seen, { jobs: [], ready: true, more: false, error: null });
  found(all, "q.1", 10);
  found(all, "q.3", 30);
  found(all, "q.2", 20);
  assert.deepEqual(shown(all), ["q.3 running", "q.2 running", "q.1 running"]);
  const { kind, tags, submitted } = all.view.seen.jobs[0];
  assert.deepEqual([kind, tags, submitted], ["count", ["red"], "2026-01-01T00:00:30.000Z"]);
  all.server.event("q.2", 3, "progress", { fraction: 0.5 });
  all.server.event("q.1", 3, "succeeded", { result: 7 });
  all.server.event("q.3", 3, "failed", { problem: { code: "rejected", detail: "no" } });
  await turn();
  assert.deepEqual(shown(all), ["q.3 failed", "q.2 running", "q.1 succeeded"]);
  const [third, second, first] = all.view.seen.jobs;
  assert.deepEqual([third.error.code, second.progress.fraction, first.result], ["rejected", 0.5, 7]);
});

test("a job that did not change is the same object", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  found(all, "q.2", 20);
  const before = all.view.seen;
  all.server.event("q.2", 3, "progress", { fraction: 0.5 });
  assert.notEqual(all.view.seen, before);
  assert.equal(all.view.seen.jobs[1], before.jobs[1]);
  assert.notEqual(all.view.seen.jobs[0], before.jobs[0]);
});

test("past its limit the job that was submitted first leaves, is followed no longer, and the list says so", async () => {
  const all = await listening({ limit: 2 });
  found(all, "q.1", 10);
  found(all, "q.2", 20);
  assert.equal(all.view.seen.more, false);
  found(all, "q.3", 30);
  assert.deepEqual(shown(all), ["q.3 running", "q.2 running"]);
  assert.equal(all.view.seen.more, true);
  await turn();
  assert.deepEqual(all.server.sentOf("unwatch").map(({ token }) => token), ["q.1"]);
  found(all, "q.0", 5);
  assert.deepEqual(shown(all), ["q.3 running", "q.2 running"], "an older one does not enter");
});

test("a limit that is none is refused by a sentence", () => {
  for (const limit of [0, -1, 1.5, 1001, NaN, "3", null]) {
    assert.throws(() => new JobsView(() => null, limit), /^RangeError: limit is .*: give a whole number from 1 to 1000$/);
  }
});

test("a component that is taken down and put up again at once keeps the follow", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  all.leave();
  const leave = all.view.subscribe(() => {});
  await turn();
  assert.equal(all.server.sentOf("follow").length, 1);
  assert.deepEqual(shown(all), ["q.1 running"]);
  leave();
});

test("when no component listens any more it follows neither the tag nor its jobs, and a rejection is no news", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  all.leave();
  await turn();
  assert.deepEqual(all.server.sentOf("unfollow").map(({ tag }) => tag), ["red"]);
  assert.deepEqual(shown(all), []);
  const calls = all.told.length;
  all.server.event("q.1", 3, "succeeded", { result: 7 });
  found(all, "q.2", 20);
  await turn();
  assert.equal(all.told.length, calls);
});

test("a component that listens again has the jobs that ended since the list began", async () => {
  const all = await listening();
  all.leave();
  await turn();
  all.view.subscribe(() => {});
  await settle();
  const [first, second] = all.server.sentOf("follow");
  assert.deepEqual([first.since, second.since], [undefined, AT]);
  answer(all);
  found(all, "q.1", 10);
  assert.deepEqual(shown(all), ["q.1 running"]);
});

test("what the component said of the past stays", async () => {
  const since = "2025-12-31T00:00:00Z";
  const all = await listening({ since });
  all.leave();
  await turn();
  all.view.subscribe(() => {});
  await settle();
  assert.deepEqual(all.server.sentOf("follow").map((frame) => frame.since), [since, since]);
});

test("a refusal is the error of the list; its jobs go on, and it is asked for again by the next component", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  all.server.push({ type: "error", ref: null, tag: "red", problem: { code: "too_many_watches", detail: "no" } });
  await turn();
  assert.equal(all.view.seen.error.code, "too_many_watches");
  const [{ ref }] = all.server.sentOf("watch"); // by itself, without its tag
  all.server.snapshot(ref, "q.1", { status: "succeeded", seq: 3, result: 7, log: [] });
  await turn();
  assert.deepEqual(shown(all), ["q.1 succeeded"]);
  all.leave();
  await turn();
  all.view.subscribe(() => {});
  await settle();
  assert.equal(all.server.sentOf("follow").length, 2);
  assert.equal(all.view.seen.error, null);
});

test("a job that had ended and that an operator replays is in the list once", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  all.server.event("q.1", 3, "failed", { problem: { code: "rejected", detail: "no" } });
  await turn();
  found(all, "q.1", 10, { seq: 5 });
  await turn();
  assert.deepEqual(shown(all), ["q.1 running"]);
  assert.equal(all.view.seen.jobs[0].error, null);
});

test("after a break the list is what it was, and goes on", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  reconnect(all);
  await settle();
  answer(all);
  assert.deepEqual(shown(all), ["q.1 running"]);
  found(all, "q.1", 10, { status: "succeeded", seq: 3, result: 7 });
  const [{ ref }] = all.server.sentOf("watch");
  all.server.snapshot(ref, "q.1", { status: "succeeded", seq: 3, result: 7, log: [], milestones: {} });
  await turn();
  assert.deepEqual(shown(all), ["q.1 succeeded"]);
});

test("without a tag there is nothing, and nothing is asked", async () => {
  const view = new JobsView(() => null);
  view.subscribe(() => {})();
  await turn();
  assert.deepEqual(view.seen, { jobs: [], ready: false, more: false, error: null });
});

test("a client that is closed is an error, and no unhandled rejection", async () => {
  const all = await listening();
  found(all, "q.1", 10);
  all.tidings.close();
  await turn();
  assert.equal(all.view.seen.error.code, "closed");
  assert.equal(all.view.seen.jobs[0].error.code, "closed");
});
