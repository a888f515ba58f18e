/** Streams: what a job says while it works. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connected, polling, reconnect, running, snapshot, streaming } from "./client.js";
import { settle } from "./fake-server.js";

const chunk = ({ server }, seq, index, data, more = {}) => (
  server.event("q.1", seq, "chunk", { stream: "main", index, attempt: 1, data, ...more })
);
const reset = ({ server }, seq, keep, attempt = 2) => server.event("q.1", seq, "reset", { stream: "main", attempt, keep });
const main = (from, chunks, attempt = 1) => ({ main: { attempt, from, chunks } });

async function collect(stream) {
  const seen = [];
  for await (const one of stream) seen.push(one);
  return seen;
}

test("chunks come one by one, by their stream, and to the end of the job", async () => {
  const all = running();
  const read = collect(all.job.stream());
  const tokens = collect(all.job.stream("tokens"));
  chunk(all, 2, 0, "To ");
  all.server.event("q.1", 3, "chunks", { stream: "main", index: 1, attempt: 1, data: ["be", " or"] });
  chunk(all, 4, 0, { n: 1 }, { stream: "tokens" });
  assert.equal(all.job.text(), "To be or");
  assert.deepEqual(all.job.chunks("tokens"), [{ n: 1 }]);
  assert.throws(() => all.job.text("tokens"), TypeError);
  assert.equal(all.job.text("nothing"), "");
  all.server.event("q.1", 5, "succeeded", { result: "To be or" });
  assert.deepEqual(await read, ["To ", "be", " or"]);
  assert.deepEqual(await tokens, [{ n: 1 }]);
  assert.deepEqual(all.seen.map(({ event }) => event), ["chunk", "chunks", "chunk", "succeeded"]);
});

test("it is a ReadableStream, that reads no more than it is asked for", async () => {
  const all = running();
  const stream = all.job.stream();
  assert.ok(stream instanceof ReadableStream);
  for (const [seq, text] of [[2, "a"], [3, "b"]]) chunk(all, seq, seq - 2, text);
  const reader = stream.getReader();
  assert.deepEqual(await reader.read(), { value: "a", done: false });
  reset(all, 4, 1);
  chunk(all, 5, 1, "c", { attempt: 2 });
  assert.deepEqual(await reader.read(), { value: "c", done: false }, "what was not read is not missed");
  await reader.cancel();
  const piped = [];
  const rest = all.job.stream().pipeTo(new WritableStream({ write: (one) => void piped.push(one) }));
  all.server.event("q.1", 6, "succeeded", { result: "ac" });
  await rest;
  assert.deepEqual(piped, ["a", "c"]);
});

test("a reader that has read what is void is told how much of it stays, and goes on from there", async () => {
  const all = running();
  for (const [seq, text] of [[2, "a"], [3, "b"], [4, "c"]]) chunk(all, seq, seq - 2, text);
  const seen = [];
  const read = (async () => { for await (const one of all.job.stream()) seen.push(one); })();
  await settle();
  reset(all, 5, 1);
  assert.equal(all.job.text(), "a", "right at once");
  chunk(all, 6, 1, "x", { attempt: 2 });
  const error = await read.then(() => null, (thrown) => thrown);
  assert.deepEqual([error.code, error.problem.keep, error.problem.attempt, seen], ["stream_reset", 1, 2, ["a", "b", "c"]]);
  all.server.event("q.1", 7, "succeeded", { result: "ax" });
  assert.deepEqual(await collect(all.job.stream("main", { from: error.problem.keep })), ["x"]);
});

test("a listener hears that a stream has changed, and by whom", async () => {
  const all = running();
  const heard = [];
  all.job.on("stream", ({ stream, attempt }) => heard.push([stream, attempt, all.job.text(stream)]));
  chunk(all, 2, 0, "a");
  reset(all, 3, 0);
  assert.deepEqual(heard, [["main", 1, "a"], ["main", 2, ""]]);
});

test("after a break a snapshot has what is new, and what is void", async () => {
  const all = running();
  for (const [seq, text] of [[2, "a"], [3, "b"]]) chunk(all, seq, seq - 2, text);
  const read = collect(all.job.stream());
  await settle();
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 5, streams: main(2, ["c"]) });
  assert.equal(all.job.text(), "abc");
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 9, streams: main(1, ["x", "y"], 2) });
  assert.equal(all.job.text(), "axy");
  await assert.rejects(read, { code: "stream_reset" });
});

test("a snapshot that repeats what is held voids nothing, and says nothing", async () => {
  const all = running();
  chunk(all, 2, 0, "a");
  const heard = [];
  all.job.on("stream", ({ stream }) => heard.push(stream));
  const read = collect(all.job.stream());
  await settle();
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 2, streams: main(0, ["a"]) });
  assert.deepEqual(heard, []);
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 3, streams: main(0, ["a", { n: 1 }]) });
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 4, status: "succeeded", result: 1, streams: main(0, ["a", { n: 1 }, "b"]) });
  assert.deepEqual(await read, ["a", { n: 1 }, "b"]);
});

test("a stream that a snapshot does not name has no chunks", async () => {
  const all = running();
  chunk(all, 2, 0, "a");
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 5, streams: { other: { attempt: 2, from: 0, chunks: ["b"] } } });
  assert.deepEqual([all.job.text(), all.job.text("other")], ["", "b"]);
});

test("a hole is noticed, and the job is watched again from its beginning", async () => {
  const all = running();
  chunk(all, 2, 0, "a");
  chunk(all, 4, 2, "c");
  chunk(all, 5, 3, "d");
  assert.equal(all.job.text(), "a", "still a beginning");
  const watches = all.server.sentOf("watch");
  assert.deepEqual(watches.map(({ token, after }) => [token, after]), [["q.1", 0]]);
  all.server.snapshot(watches[0].ref, "q.1", { seq: 5, streams: main(0, ["a", "b", "c", "d"]) });
  assert.equal(all.job.text(), "abcd");
  chunk(all, 6, 4, "e");
  assert.equal(all.job.text(), "abcde");
});

test("while a server that knows no streams answers, what is held stays, and its end is told to be in doubt", async () => {
  const all = running();
  chunk(all, 2, 0, "a");
  const read = collect(all.job.stream());
  reconnect(all);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 5 });
  chunk(all, 6, 3, "d");
  assert.equal(all.job.text(), "a");
  reconnect(all);
  assert.equal(all.server.sent[0].after, 0);
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 7, status: "succeeded", result: "abcd" });
  await assert.rejects(read, { code: "stream_in_doubt" });
});

test("a watch that begins after an event has the chunks from there", async () => {
  const all = connected();
  const job = all.tidings.watch("q.1", { after: 3 });
  await settle();
  all.server.snapshot(all.server.sent[0].ref, "q.1", { seq: 5, streams: main(2, ["c"]) });
  all.server.event("q.1", 6, "succeeded", { result: 1 });
  assert.deepEqual([job.text(), await collect(job.stream())], ["c", ["c"]]);
});

test("a reader ends with a job that is followed no longer", async () => {
  const all = running();
  const read = collect(all.job.stream());
  all.job.unwatch();
  await assert.rejects(read, { code: "unwatched" });
});

test("a name that no stream may have, and what is no index, is refused at once", async () => {
  const { job } = running();
  for (const name of ["a/b", "", ".", "-a", "x".repeat(65), "a\n", "é", 5, null]) {
    for (const ask of [() => job.stream(name), () => job.text(name), () => job.chunks(name)]) {
      assert.throws(ask, (error) => error instanceof RangeError && /1 to 64 letters/.test(error.message), String(name));
    }
  }
  for (const name of ["a", "_", "0.b-c", "x".repeat(64)]) assert.equal(job.text(name), "");
  for (const from of [-1, 0.5, NaN, Infinity, 2 ** 53, "1", null]) {
    assert.throws(() => job.stream("main", { from }), { name: "RangeError", message: /whole number from 0/ }, String(from));
  }
});

test("one who reads from a chunk that never comes is told so at the end of the job", async () => {
  const all = running();
  const early = collect(all.job.stream("main", { from: 2 }));
  const late = collect(all.job.stream("main", { from: 3 }));
  for (const [seq, text] of [[2, "a"], [3, "b"]]) chunk(all, seq, seq - 2, text);
  all.server.event("q.1", 4, "succeeded", { result: "ab" });
  assert.deepEqual(await early, []);
  await assert.rejects(late, ({ code, problem }) => (
    code === "invalid_frame" && problem.field === "/from" && problem.detail.includes("has 2 chunks: `from` is 0 to 2, not 3")
  ));
});

test("over an event stream and over polls, too", async () => {
  const sse = await streaming();
  const job = sse.tidings.submit("count", {});
  (await sse.server.request("POST", /jobs$/)).json({ token: "q.1", status: "queued", seq: 1, duplicate: false }, 202);
  const request = await sse.server.request("GET", /events/);
  request.stream();
  request.snapshot("q.1", { seq: 2, streams: main(0, ["a"]) });
  request.event("q.1", 3, "chunk", { stream: "main", index: 1, attempt: 1, data: "b" });
  await settle();
  assert.equal(job.text(), "ab");
  const polls = await polling();
  (await polls.server.request("GET", /q.1/)).json(snapshot("q.1", { seq: 4, streams: main(0, ["a", "b"]) }));
  (await polls.server.request("GET", /after=4/)).json(snapshot("q.1", { seq: 6, streams: main(1, ["x"], 2) }));
  await settle();
  assert.equal(polls.job.text(), "ax");
});

test("whatever breaks and whoever dies, what is shown is a beginning of what one attempt said", async () => {
  let state = 20_261_130;
  const random = (most) => { state = (state * 1_103_515_245 + 12_345) % 2_147_483_648; return Math.floor((state / 2_147_483_648) * most); };
  for (let round = 0; round < 60; round += 1) {
    const all = running();
    const attempts = [[]];
    let seq = 1;
    const seen = [];
    let held = 0; // what this client has heard of
    const read = (async () => {
      let from = 0;
      for (;;) {
        try {
          for await (const one of all.job.stream("main", { from })) seen.push(one);
          return;
        } catch (error) {
          if (error.code !== "stream_reset") throw error;
          seen.length = from = error.problem.keep;
        }
      }
    })();
    const right = () => {
      const text = all.job.text();
      assert.ok(attempts.some((one) => one.join("").startsWith(text)), text);
      assert.equal(text.startsWith(attempts.at(-1).slice(0, held).join("")), true);
    };
    for (let step = 0; step < 40; step += 1) {
      const now = attempts.at(-1);
      switch (random(6)) {
        case 0: { // a worker dies, and the next attempt keeps some
          const keep = random(now.length + 1);
          attempts.push(now.slice(0, keep));
          reset(all, ++seq, keep, attempts.length);
          held = keep;
          break;
        }
        case 1: { // the socket breaks, and things happen meanwhile
          const had = now.length;
          let from = had;
          const next = random(2) ? [...now] : now.slice(0, (from = random(had + 1)));
          if (next.length < had || from < had) attempts.push(next);
          const last = attempts.at(-1);
          for (let more = random(3); more > 0; more -= 1) last.push(`${attempts.length}:${last.length} `);
          seq += 3;
          reconnect(all);
          all.server.snapshot(all.server.sent[0].ref, "q.1", { seq, streams: main(from, last.slice(from), attempts.length) });
          held = last.length;
          break;
        }
        case 2: // a snapshot that has all
          all.server.snapshot(null, "q.1", { seq, streams: main(0, now, attempts.length) });
          held = now.length;
          break;
        default:
          now.push(`${attempts.length}:${now.length} `);
          chunk(all, ++seq, now.length - 1, now.at(-1), { attempt: attempts.length });
          held = now.length;
      }
      right();
      if (random(2)) await settle();
    }
    all.server.event("q.1", ++seq, "succeeded", { result: attempts.at(-1).join("") });
    await read;
    assert.equal(seen.join(""), await all.job.result);
    assert.equal(all.job.text(), await all.job.result);
  }
});
