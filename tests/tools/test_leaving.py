"""What becomes of a job when the client that waits for it, or the server, leaves."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.system import ServerProcess, System, system_fixture
from support.timeouts import scaled
from tools.raw import ACCEPT, VERSION, meta

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")

system = system_fixture(KINDS)


@contextlib.contextmanager
def waiting(server: ServerProcess, path: Path, *, modern: bool) -> Iterator[Iterator[str]]:
    """Call a tool that waits for a file; yield the lines behind its progress."""
    told = {**(meta() if modern else {}), "progressToken": "p"}
    params = {"name": "wait_for", "arguments": {"path": str(path)}, "_meta": told}
    headers = {"accept": ACCEPT}
    if modern:
        headers |= {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "wait_for"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    with httpx.stream("POST", f"{server.url}/mcp", json=body, headers=headers, timeout=scaled(30)) as answer:
        lines = answer.iter_lines()
        assert any("waits for a file" in line for line in lines)
        yield lines


def ended(system: System, token: str) -> str:
    """Return the state in which a job ends."""
    headers = {"prefer": "wait=5", "if-none-match": '"0"'}
    give_up = time.monotonic() + scaled(15)
    end: str | None = None
    while end is None:
        assert time.monotonic() < give_up, "the job goes on"
        answer = httpx.get(f"{system.server.url}/v1/jobs/{token}", headers=headers, timeout=scaled(30))
        headers["if-none-match"] = answer.headers["etag"]
        if answer.status_code == 200 and "finished" in answer.json()["milestones"]:
            end = str(answer.json()["status"])
    return end


@pytest.mark.parametrize("modern", [True, False], ids=["2026", "2025"])
def test_a_client_that_leaves_cancels_its_job_where_the_protocol_says_so(
    system: System, tmp_path: Path, modern: bool
) -> None:
    path = tmp_path / "go"
    with waiting(system.server, path, modern=modern):
        token = path.with_suffix(".token").read_text()
    if not modern:  # there a lost connection is no cancellation
        path.touch()
    assert ended(system, token) == ("cancelled" if modern else "succeeded")


def test_a_call_at_a_server_that_drains_is_told_where_the_job_goes_on(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    leaving = system.add_server(TIDINGS_DRAIN_S="5")
    with waiting(leaving, path, modern=True) as lines:
        leaving.signal(signal.SIGTERM)
        message = json.loads(next(line for line in lines if "-32000" in line).removeprefix("data: "))
    assert message["error"]["data"]["code"] == "draining"
    path.touch()
    assert ended(system, message["error"]["data"]["taskId"]) == "succeeded"
