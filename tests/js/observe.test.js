/** How the server stands, for operators: asked of each server anew, told as an event. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, connected, reconnect } from "./client.js";

const OVERVIEW = { type: "overview", at: "2026-01-01T00:00:00Z", queues: [], workers: [] };

const types = ({ sent }) => sent.map(({ type }) => type);

test("an overview that was asked for comes as an event", () => {
  const { server, tidings } = connected();
  const seen = [];
  tidings.on("overview", (overview) => seen.push(overview));
  tidings.observe();
  const [{ type, ref }] = server.sent;
  assert.equal(type, "observe");
  server.push({ type: "done", ref });
  server.push(OVERVIEW);
  assert.deepEqual(seen, [OVERVIEW]);
});

test("asked before the server's greeting, it is asked once there is one", () => {
  const { server, tidings } = connect();
  tidings.observe();
  assert.deepEqual(types(server), []);
  server.greet();
  assert.deepEqual(types(server), ["observe"]);
});

test("after a break the next server is asked, once, whether the last one had answered or not", () => {
  for (const answered of [true, false]) {
    const all = connected();
    all.tidings.observe();
    if (answered) all.server.push({ type: "done", ref: all.server.sent[0].ref });
    reconnect(all);
    assert.deepEqual(types(all.server), ["observe"]);
  }
});

test("it is stopped, and started again", () => {
  const { server, tidings } = connected();
  tidings.observe();
  tidings.observe(false);
  tidings.observe();
  assert.deepEqual(types(server), ["observe", "unobserve", "observe"]);
});

test("a page that never asked sends nothing of it", () => {
  const all = connected();
  reconnect(all);
  assert.deepEqual(types(all.server), []);
});

test("a refusal, at once or when a renewed credential allows it no more, is an error", () => {
  const { server, tidings } = connected();
  const codes = [];
  tidings.on("error", ({ code }) => codes.push(code));
  tidings.observe();
  server.refuse(server.sent[0].ref, "forbidden");
  server.refuse(null, "forbidden");
  assert.deepEqual(codes, ["forbidden", "forbidden"]);
});
