/** The parser of event streams, by https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../../static/client/connection/sse.js";

const told = (...pieces) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece)).map(({ event, data }) => `${event}:${data}`);
};

/** Every way to cut a text into two pieces, and into single letters. */
function* cuttings(text) {
  for (let at = 0; at <= text.length; at += 1) yield [text.slice(0, at), text.slice(at)];
  yield text.split("");
  for (let at = 0; at < text.length; at += 1) yield [text.slice(0, at), text.slice(at, at + 1), text.slice(at + 1)];
}

const CASES = [
  ["data: a\n\n", ["message:a"]],
  ["event: log\ndata: a\n\nevent: b\ndata:c\n\n", ["log:a", "b:c"]],
  ["data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["message:a", "message:b", "message:c"]],
  ["data: a\r\ndata: b\rdata: c\ndata\ndata:\n\n", ["message:a\nb\nc\n\n"]],
  ["data: one\u2028two\u2029three\u0085four\vfive\fsix\u001cseven\n\n", ["message:one\u2028two\u2029three\u0085four\vfive\fsix\u001cseven"]],
  ["event: a\u2028b\ndata: x\n\n", ["a\u2028b:x"]],
  ["data:  two spaces\n\n", ["message: two spaces"]],
  ["data:\ttab\n\n", ["message:\ttab"]],
  ["data: a: b: c\n\n", ["message:a: b: c"]],
  ["data\n\n", ["message:"]],
  ["retry: 1000\n\n", []],
  ["retry: 1000\nid: 3\nevent: log\ndata: a\n\n", ["log:a"]],
  ["id: 3\n\ndata: a\n\n", ["message:a"]],
  [": comment\n\n:\n\ndata: a\n:between\n\n", ["message:a"]],
  ["event: log\n\ndata: a\n\n", ["message:a"]],
  ["event: log\nevent\ndata: a\n\n", ["message:a"]],
  ["unknown: x\n data: y\nDATA: z\ndata : z\ndata: a\n\n", ["message:a"]],
  ["\uFEFFdata: a\n\n", ["message:a"]],
  ["\uFEFF\uFEFFdata: a\n\ndata: b\n\n", ["message:b"]],
  ["data: \uFEFFa\n\n", ["message:\uFEFFa"]],
  ["data: a\n\ndata: never ends", ["message:a"]],
  ["\n\n\r\r\n\ndata: a\n\n", ["message:a"]],
  ["data: ä€😀\n\n", ["message:ä€😀"]],
];

for (const [text, expected] of CASES) {
  test(`${JSON.stringify(text)} is the same however it is cut`, () => {
    for (const pieces of cuttings(text)) assert.deepEqual(told(...pieces), expected, JSON.stringify(pieces));
  });
}

test("a long event in many pieces is put together, each letter looked at once", () => {
  const parser = new EventParser();
  const piece = "x".repeat(1000);
  parser.push("data: ");
  for (let n = 0; n < 5000; n += 1) assert.deepEqual(parser.push(piece), []);
  const [{ data }] = parser.push("\n\n");
  assert.equal(data.length, 5_000_000);
});
