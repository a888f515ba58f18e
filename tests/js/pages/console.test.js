/** The console's arithmetic: where one is, where things stand in its charts, which rows are there. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse } from "../../../static/console/router.js";
import { firstKnown, heat, path, timeTicks, vertical } from "../../../static/console/charts/scale.js";
import { slice } from "../../../static/console/parts/slice.js";
import { endOf } from "../../../static/console/parts/streams.js";
import { place, spans } from "../../../static/console/charts/waterfall.js";
import { ago, brief, missingParts, moment, ms, percent, rate, took, whole } from "../../../static/console/parts/words.js";

test("a place is written into the address, and read back from it", () => {
  for (const [page, name, query] of [
    ["jobs", "orders-3.8fK_-x", {}], ["jobs", "", { state: "failed", q: "a b&c=#?" }], ["dead", "a/b?c#d%", { kind: "ü" }],
  ]) {
    assert.deepEqual(parse(format(page, name, query)), { page, name, query });
  }
  assert.deepEqual(parse(""), { page: "overview", name: "", query: {} });
  assert.equal(format("jobs", "", { state: "", kind: null, queue: undefined }), "#/jobs");
  assert.equal(parse("#/jobs/100%").name, "100%"); // no mistake of whoever typed it breaks the page
});

test("a line is broken where nothing is known, and a lone point is seen", () => {
  const at = (x) => x * 10;
  assert.equal(path([1, 2, null, 4, null], at, (y) => y), "M0.0 1.0L10.0 2.0M30.0 4.0h0.01");
  assert.equal(path([null, null], at, at), "");
});

test("a vertical scale holds its largest value, even of none, and its ticks are few and round", () => {
  for (const values of [[], [0], [0.0004], [3, 2.5], [400], [7250], [0.002, 0.004, 400], [0.0101, 0.0102, 3], [0.3, 900_000], [1e-9, 1e9], [0, 0.5, 200]]) {
    const { ticks, y } = vertical(values, 100);
    const [low, high] = [ticks[0], ticks.at(-1)];
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${values}: ${ticks}`);
    assert.ok(ticks.every((one, at) => at === 0 || one > ticks[at - 1]), `${values}: ${ticks}`);
    assert.ok(high >= Math.max(0, ...values) && Math.round(y(low)) === 100 && Math.round(y(high)) === 0, `${values}: ${ticks}`);
    for (const value of values) assert.ok(y(value) >= -1e-9 && y(value) <= 100 + 1e-9, `${values}: ${value}`);
    for (const tick of ticks.slice(1)) assert.match(brief(tick), /^([0-9.]{1,12} (µs|ms|s)|[0-9]+ (min|h|d)( (30|15) (s|min))?)$/, `${values}: ${tick}`);
  }
});

test("one long job does not press the others flat: an axis over several orders is logarithmic, and begins at the data", () => {
  const { logarithmic, ticks, y } = vertical([0.012, 0.03, 0.05, 380], 100);
  assert.ok(logarithmic && ticks[0] === 0.01, `${ticks}`);
  assert.ok(y(0.012) - y(0.05) > 10, "p50 and p95 stand apart");
  assert.ok(!vertical([1, 2, 3], 100).logarithmic);
});

test("durations on an axis are in the units that people count in", () => {
  assert.deepEqual([0.00002, 0.0035, 2, 90, 400, 3600, 5400, 90_000].map(brief), ["20 µs", "3.5 ms", "2 s", "1 min 30 s", "6 min 40 s", "1 h", "1 h 30 min", "1 d 1 h"]);
});

test("a chart begins where its data does, and is not narrower than some steps", () => {
  const points = (first, many) => Array.from({ length: many }, (_, at) => ({ count: at < first ? 0 : 1 }));
  assert.equal(firstKnown(points(100, 120), 12), 99);
  assert.equal(firstKnown(points(119, 120), 12), 108);
  assert.equal(firstKnown(points(0, 120), 12), 0);
  assert.equal(firstKnown(points(5, 5), 12), 0);
  assert.equal(firstKnown([], 12), 0);
});

test("few are seen beside many on the heat map, and none is not painted", () => {
  assert.equal(heat(0, 1000), 0);
  assert.ok(heat(1, 1000) > 0.1);
  assert.equal(heat(1000, 1000), 1);
  assert.ok(heat(10, 1000) < heat(100, 1000));
});

test("times below a chart are whole minutes, and no more than there is room for", () => {
  const times = Array.from({ length: 360 }, (_, at) => Date.UTC(2026, 0, 1, 12, 0, 7) + at * 10_000);
  const ticks = timeTicks(times, 6);
  assert.ok(ticks.length > 2 && ticks.length <= 7, `${ticks}`);
  for (const at of ticks) assert.ok(times[at] % 600_000 < 10_000);
  assert.deepEqual(timeTicks([], 5), []);
});

test("of any list only the rows in sight and some around are there", () => {
  assert.deepEqual(slice(0, 360, 36, 5, 10), { from: 0, to: 5 });
  assert.deepEqual(slice(36_000, 360, 36, 100_000, 10), { from: 990, to: 1021 });
  assert.deepEqual(slice(3_600_000, 360, 36, 100_000, 10), { from: 99_990, to: 100_000 });
  assert.deepEqual(slice(9e9, 360, 36, 3, 10), { from: 3, to: 3 }); // a list that has become short under one's hands
  assert.deepEqual(slice(-40, 0, 36, 0, 10), { from: 0, to: 0 });
});

const AT = { submitted: "2026-01-01T12:00:00Z", started: "2026-01-01T12:00:01Z", finished: "2026-01-01T12:00:05Z" };

test("a job's waterfall begins when it was submitted and ends with it, its steps below", () => {
  const steps = [
    { path: "1", name: "reserve", type: "step", status: "compensated", began: "2026-01-01T12:00:01Z", ended: "2026-01-01T12:00:02Z" },
    { path: "2.1", name: "charge", type: "call", status: "failed", began: "2026-01-01T12:00:02Z", ended: "2026-01-01T12:00:03Z" },
    { path: "3", name: "never", type: "step", status: "running" },
  ];
  const all = spans(AT, steps, true);
  assert.deepEqual(all.map(({ name, tone, depth }) => [name, tone, depth]), [
    ["waiting for a worker", "wait", 0], ["running", "run", 0], ["reserve", "undo", 1], ["charge", "bad", 2],
  ]);
  assert.deepEqual(place(all[1], Date.parse(AT.submitted), Date.parse(AT.finished)), { start: 20, width: 80 });
});

test("a job that lives has a span that goes on, and one that never ran has waited to its end", () => {
  const { finished, ...running } = AT;
  assert.equal(spans(running, [], false).at(-1).to, null);
  const waiting = spans({ submitted: AT.submitted }, [], false);
  assert.deepEqual(waiting.map(({ name, to }) => [name, to]), [["waiting for a worker", null]]);
  const cancelled = spans({ submitted: AT.submitted, finished }, [], true);
  assert.deepEqual(cancelled.map(({ name, to }) => [name, to]), [["waiting for a worker", Date.parse(finished)]]);
  const delayed = spans({ ...AT, submitted: "2026-01-01T11:00:00Z", queued: "2026-01-01T12:00:00Z" }, [], true);
  assert.deepEqual(delayed.map(({ name }) => name), ["before the queue", "waiting for a worker", "running"]);
  assert.equal(spans(AT, [], true, 2)[0].name, "until the last attempt"); // in which others ran
  assert.deepEqual(spans({}, [], false), []);
});

test("a share that falls short is never rounded up to all", () => {
  assert.deepEqual([1, 0.99996, 0.9987, 0.5, 0, -0.2, null].map(percent), ["100 %", "99.99 %", "99.87 %", "50.0 %", "0 %", "-20.0 %", "–"]);
});

test("times are told as long as they are", () => {
  assert.deepEqual([0.0042, 3.21, 75, 3700, 90_000, null].map(took), ["4.2 ms", "3.21 s", "1 min 15 s", "1 h 1 min", "1 d 1 h", "–"]);
  assert.deepEqual([0.25, 1.5, 30, 300, 90].map(brief), ["250 ms", "1.5 s", "30 s", "5 min", "1 min 30 s"]);
  assert.deepEqual([0.4, 59.6, 61].map(whole), ["0 s", "60 s", "1 min 1 s"]);
  const now = Date.parse("2026-01-01T12:00:00Z");
  assert.deepEqual([now, now - 5000, "2026-01-01T11:59:00Z", null, now + 900].map((at) => ago(at, now)), ["now", "5 s ago", "1 min 0 s ago", "–", "now"]);
  assert.deepEqual([ms(5), ms("1970-01-01T00:00:01Z"), ms(null), ms("")], [5, 1000, null, null]);
  assert.equal(moment(null), "–");
  assert.deepEqual([0, 0.25, 3.14, 1234.5].map(rate), ["0", "0.3", "3.1", "1,235"]);
});

test("of a long stream its end is shown, and how many chunks come before it", () => {
  assert.deepEqual(endOf([]), { shown: "", left: 0 });
  assert.deepEqual(endOf(["To be, ", "or"]), { shown: "To be, or", left: 0 });
  assert.deepEqual(endOf(["a", { n: 1 }]), { shown: 'a\n{"n":1}', left: 0 });
  assert.deepEqual(endOf([{ n: 1 }, ...Array(20_000).fill("x")]), { shown: "x".repeat(10_000), left: 10_001 });
  assert.deepEqual(endOf(["first", "y".repeat(30_000)]), { shown: "y".repeat(20_000), left: 1 });
});

test("an overview that lacks something says what", () => {
  const store = { memory: 1, limit: null, silent_nodes: [], missing_queues: [], stale: [] };
  assert.equal(missingParts(store), "");
  const lacking = { ...store, silent_nodes: ["10.0.0.1:6379"], missing_queues: ["mail", "orders"], stale: ["kinds", "workers"] };
  assert.equal(missingParts(lacking), "These nodes of the store do not answer: 10.0.0.1:6379. "
    + "Nothing is known at the moment of the queues mail, orders. Not new: kinds, workers.");
  assert.equal(missingParts({ memory: 1, limit: null }), ""); // of a server of an earlier release
});
