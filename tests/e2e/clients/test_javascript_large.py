"""The JavaScript client tells the same events of a job whatever the size of its outcome."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.system import System, system_fixture
from support.timeouts import scaled
from support.web.javascript import node

SIZES = (10, 100_000, 3_000_000)


system = system_fixture(TIDINGS_MAX_RESULT_BYTES="4000000")


SCRIPT = """
import { Tidings } from "tidings";
const [url, how, path] = process.argv.slice(1);
const blocked = class { constructor() { throw new Error("blocked"); } };
const tidings = new Tidings(url, how === "sse" ? { WebSocket: blocked } : {});
const told = [];
for (const size of [10, 100_000, 3_000_000]) {
  const job = tidings.submit("large_when", { path, size });
  const names = [];
  for await (const { event } of job) if (event !== "queued" && event !== "started") names.push(event);
  const again = tidings.watch(job.token); // told by a snapshot and by an event
  let ends = 0;
  again.on("finished", () => { ends += 1; });
  const same = (await again.result) === (await job.result);
  await tidings.submit("noop", {}).result; // whatever was to follow has come
  told.push({ names, size: (await job.result).length, same, ends });
}
console.log(JSON.stringify(told));
tidings.close();
process.exit(0);
"""


@pytest.mark.parametrize("how", ["websocket", "sse"])
def test_the_javascript_client_tells_the_same_events(system: System, tmp_path: Path, how: str) -> None:
    path = tmp_path / "go"
    path.touch()
    done = subprocess.run(
        [*node(), "--input-type=module", "-e", SCRIPT, system.server.url, how, str(path)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=scaled(60), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    assert told == [{"names": ["log", "log", "succeeded"], "size": size, "same": True, "ends": 1} for size in SIZES]
