import assert from "node:assert/strict";
import { test } from "node:test";
import { ticksFor } from "../../../static/page/demo/chart.js";
import { example } from "../../../static/page/forms/kinds.js";
import { sentence } from "../../../static/page/demo/orders.js";
import { heard, inOrder } from "../../../static/page/cards/steps.js";
import { duration, size } from "../../../static/page/words.js";

test("the ticks of a chart are round and enclose its values", () => {
  assert.deepEqual(ticksFor(0, 21.7), [0, 10, 20, 30]); // 21.7 / 4 = 5.4: steps of ten
  assert.deepEqual(ticksFor(-4, 19), [-10, 0, 10, 20]);
  assert.deepEqual(ticksFor(0, 0), [0, 0.5]);
  for (const [low, high] of [[0, 1], [-0.07, 0], [-3, 1234], [0, 8e6]]) {
    const ticks = ticksFor(low, high);
    assert.ok(ticks[0] <= low && ticks.at(-1) >= high, `${low}..${high}: ${ticks}`);
    assert.ok(ticks.length >= 2 && ticks.length <= 7, `${low}..${high}: ${ticks}`);
  }
});

test("an example of an input is made of its schema's defaults and first choices", () => {
  const schema = {
    $ref: "#/$defs/count",
    $defs: {
      count: {
        type: "object",
        properties: {
          carrier: { type: "string", examples: ["UA"] }, limit: { type: "integer", default: 10 },
          by: { enum: ["month", "hour"] }, note: { anyOf: [{ type: "string" }, { type: "null" }] },
          least: { type: "number", minimum: 2 }, above: { type: "integer", exclusiveMinimum: 0 },
          tags: { type: "array", items: { type: "string" } }, dry: { type: "boolean" },
          where: { $ref: "#/$defs/place" },
        },
      },
      place: { type: "object", properties: { x: { type: "number" } } },
    },
  };
  assert.deepEqual(example(schema), {
    carrier: "UA", limit: 10, by: "month", note: "", least: 2, above: 1, tags: [], dry: false, where: { x: 0 },
  });
});

test("a schema that contains itself has an example that ends", () => {
  const schema = { $ref: "#/$defs/node", $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } } };
  assert.ok(JSON.stringify(example(schema)).length < 200);
});

test("durations and sizes are written as short as they stay exact enough", () => {
  assert.deepEqual([0.84, 42.4, 3210, 61_000].map(duration), ["0.8 ms", "42 ms", "3.21 s", "1 min 1 s"]);
  assert.deepEqual([999, 1500, 61_234, 3_400_000].map(size), ["999 B", "1.5 kB", "61 kB", "3.4 MB"]);
});

test("the steps of a saga stand in the order of the program", () => {
  const paths = ["10", "3.1", "2", "3", "3.10.1", "3.2", "1", "3.1.1"];
  const sorted = paths.map((path) => ({ path })).sort(inOrder).map(({ path }) => path);
  assert.deepEqual(sorted, ["1", "2", "3", "3.1", "3.1.1", "3.2", "3.10.1", "10"]);
});

test("an event moves a step on, and leaves what it does not tell", () => {
  const said = (status, at, more = {}) => ({ at, data: { path: "1", name: "charge", type: "call", status, ...more } });
  const begun = heard(undefined, said("running", "T1", { child: "q.2" }));
  assert.deepEqual(begun, { began: "T1", path: "1", name: "charge", type: "call", status: "running", child: "q.2" });
  const done = heard({ ...begun, undo: "refund" }, said("succeeded", "T2"));
  assert.deepEqual([done.began, done.ended, done.child, done.undo], ["T1", "T2", "q.2", "refund"]);
  const undone = heard(done, said("compensated", "T9"));
  assert.deepEqual([undone.status, undone.ended], ["compensated", "T2"]);
  const another = heard(undone, { at: "T10", data: { path: "1", name: "reserve", type: "step", status: "running" } });
  assert.deepEqual([another.began, another.ended, another.child], ["T10", undefined, undefined]);
});

test("the books are told in a sentence, and what does not agree in it", () => {
  const books = { under_way: 1, shipped: 2, given_up: 3, sold: 4800, charged: 7200, refunded: 2400, discrepancies: [] };
  assert.equal(sentence(books), "Stock, card service and courier agree: 2 shipped for €48.00, 3 undone, 1 under way; "
    + "€72.00 charged, €24.00 given back.");
  assert.equal(sentence({ ...books, discrepancies: ["a: released, but paid"] }), "The books do not agree: a: released, but paid.");
});
