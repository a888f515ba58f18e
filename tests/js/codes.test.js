import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { CLOSE_CODES, TERMINAL } from "../../static/client/codes.js";

const contract = new URL("../../core/tidings/protocol/", import.meta.url);

test("the client's close codes are the server's", async () => {
  const source = await readFile(new URL("frames/close_codes.py", contract), "utf8");
  const rows = [...source.matchAll(/^\s+(\d{4}): CloseCode\("(\w+)", (True|False),/gm)];
  const theirs = rows.map(([, code, name, reconnect]) => [Number(code), { name, reconnect: reconnect === "True" }]);
  assert.deepEqual([...CLOSE_CODES], theirs);
});

test("the client's terminal states are the server's", async () => {
  const source = await readFile(new URL("states.py", contract), "utf8");
  const theirs = [...source.matchAll(/State\.(\w+): frozenset\(\),/g)].map(([, name]) => name.toLowerCase());
  assert.deepEqual([...TERMINAL].sort(), theirs.sort());
});
