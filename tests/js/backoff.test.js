import assert from "node:assert/strict";
import { test } from "node:test";
import { BACKOFF, drawDelay } from "../../static/client/connection/backoff.js";

test("the ceiling doubles with each try until the cap", () => {
  const ceilings = [0, 1, 2, 5, 6, 60].map((tries) => drawDelay(tries, BACKOFF, () => 1));
  assert.deepEqual(ceilings, [500, 1000, 2000, 16_000, 30_000, 30_000]); // 500·2⁶ = 32 000 > 30 000
});

test("the jitter is full: it may be as little as nothing", () => {
  assert.equal(drawDelay(3, BACKOFF, () => 0), 0);
});
