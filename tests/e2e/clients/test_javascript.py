"""The JavaScript client in Node against the real server, by each of its transports: every call settles."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.system import System
from support.timeouts import scaled
from support.web.javascript import node

ROOT = Path(__file__).parents[3]

SCRIPT = """
import { Tidings } from "tidings";

const [url, how] = process.argv.slice(1);
const blocked = (path) => how === "long-poll" && path.includes("/v1/events");
const tidings = new Tidings(url, {
  WebSocket: how === "websocket" ? globalThis.WebSocket : class { constructor() { throw new Error("blocked"); } },
  fetch: (input, init) => blocked(String(input)) ? Promise.reject(new TypeError("blocked")) : fetch(input, init),
  backoff: { baseMs: 10, capMs: 20 },
  upgradeMs: 1e9,
});
const first = tidings.submit("echo", { text: "first" }); // a stream is found not to work when there is a job to follow
await first.result;
const why = ({ code, problem }) => `${code} ${problem?.field ?? ""}`;
const outcome = (job) => job.result.then((result) => result, why);
let deep = 0;
for (let n = 0; n < 1000; n += 1) deep = [deep];
const found = {};
for (const [name, input, options] of [
  ["deep", { text: deep }], ["large", { text: "x".repeat(2e6) }], ["option", {}, { dellay: 3600 }],
  ["escaped", { text: "\\\\ud83d \\u2028\\u2029\\u0085" }], ["pair", { text: "\\u{1F600}" }],
]) {
  found[name] = await outcome(tidings.submit(name === "option" ? "noop" : "echo", input, options));
}
found.last = await outcome(tidings.submit("echo", { text: "last" }));
found.state = tidings.state;
console.log(JSON.stringify(found));
tidings.close();
process.exit(0);
"""


@pytest.mark.parametrize("how", ["websocket", "sse", "long-poll"])
def test_every_submit_settles_and_the_next_goes_through(system: System, how: str) -> None:
    command = [*node(socket=how == "websocket"), "--input-type=module", "-e", SCRIPT, system.server.url, how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=scaled(60), check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["deep"].split()[0] == "invalid_frame"
    assert found["large"].split()[0] == "too_large"
    assert found["option"] == "invalid_frame /dellay"
    assert found["escaped"] == "\\ud83d \u2028\u2029\u0085"
    assert found["pair"] == "\U0001f600"
    assert found["last"] == "last"
    assert found["state"] == "open"
