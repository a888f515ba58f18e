import assert from "node:assert/strict";
import { test } from "node:test";
import { nameSegment, tokenSegment } from "../../../static/client/path.js";
import { polling, snapshot, streaming } from "../client.js";
import { settle } from "../fake-server.js";

/** Texts that would make another path, query or request of one that holds them as they are. */
const STRAY = [
  "", ".", "..", "%2e%2e", "../kinds", "..%2fkinds", "q.1/events", "q.1?after=9", "q.1#x", "q.1&token=q.2", "q.1\\x", "q 1",
  "q.1\r\nx: y", "q.1\t", "//evil.example/q.1", "https://evil.example/", "q.1;x", "ä.1", "q.\ud800", "q.1%00",
];

for (const [name, begin] of [["polls", polling], ["a stream", streaming]]) {
  test(`over ${name} no token leaves its place in the path`, async () => {
    const { server, tidings } = await begin();
    await settle();
    server.requests.length = 0;
    for (const token of STRAY) {
      const watch = tidings.watch(token);
      await assert.rejects(watch.result, ({ code }) => code === "unknown_token", JSON.stringify(token));
      await settle();
    }
    assert.deepEqual(server.requests.map(({ path }) => path), []);
    assert.equal(tidings.state, "open");
  });
}

test("a signal's name and key are what they are, or refused", async () => {
  const { server, job, tidings } = await polling();
  (await server.request("GET", /q.1/)).json(snapshot("q.1", { seq: 1, status: "running" }));
  const named = job.signal("a/b?c", 1);
  const posted = await server.request("POST", /signals/);
  assert.equal(posted.path, "/v1/jobs/q.1/signals/a%2Fb%3Fc");
  posted.json({}, 202);
  await named;
  for (const name of ["..", ".", "", "\ud800"]) {
    await assert.rejects(job.signal(name, 1), ({ code }) => code === "invalid_frame", JSON.stringify(name));
  }
  for (const key of ["a\r\nx: y", "ключ", "\ud800"]) {
    await assert.rejects(job.signal("go", 1, { key }), ({ code }) => code === "invalid_frame", JSON.stringify(key));
  }
  assert.equal(tidings.state, "open");
});

test("segments survive the parsing of a URL", () => {
  const base = "https://example.test/v1/jobs/";
  assert.equal(new URL(base + tokenSegment("default.8fK-_a") + "/events").pathname, "/v1/jobs/default.8fK-_a/events");
  for (const token of STRAY) assert.throws(() => tokenSegment(token), ({ code }) => code === "unknown_token");
  for (const name of ["a b", "ä", "a/../b", "%2e%2e", "?x", "#x", "\\", "..."]) {
    const path = new URL(base + nameSegment(name) + "/end").pathname;
    assert.equal(path.split("/").length, 5);
    assert.equal(decodeURIComponent(path.split("/")[3]), name);
  }
});
