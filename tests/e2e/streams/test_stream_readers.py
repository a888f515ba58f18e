"""Readers of event streams that others wrote see the events of a job, and no message beside them."""

import json
import subprocess
from pathlib import Path

import httpx
import httpx_sse
import pytest

from support.system import System, system_fixture
from support.timeouts import scaled

ROOT = Path(__file__).parents[3]

FETCH_EVENT_SOURCE = """
import { fetchEventSource } from "@microsoft/fetch-event-source";
globalThis.window = globalThis; // it is made for pages, of which it needs no more
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
await fetchEventSource(process.argv[1], {
  openWhenHidden: true,
  onmessage: (message) => console.log(JSON.stringify(message)),
  onerror: (error) => { throw error; },
});
"""


system = system_fixture(TIDINGS_SSE_HEARTBEAT_S="0.02", TIDINGS_DRAIN_S="0.5")


@pytest.fixture
def stream(system: System) -> str:
    """The stream of a job with pauses so long that heartbeats stand between any two of its events."""
    job = {"kind": "count", "input": {"chunks": 5, "pause": 0.1}}
    token = httpx.post(system.server.url + "/v1/jobs", json=job).json()["token"]
    return f"{system.server.url}/v1/jobs/{token}/events"


def check(names: list[str], data: list[str]) -> None:
    told = [name for name in names if name not in ("queued", "started", "progress", "snapshot")]
    assert told == ["log"] * 5 + ["succeeded"]
    assert set(names) <= {"queued", "started", "progress", "snapshot", "log", "succeeded"}
    assert all(json.loads(one)["token"] for one in data)


def test_httpx_sse_gets_no_empty_message(stream: str) -> None:
    with httpx.Client(timeout=scaled(20)) as http, httpx_sse.connect_sse(http, "GET", stream) as source:
        events = list(source.iter_sse())
    check([event.event for event in events], [event.data for event in events])
    assert 1000 <= (events[0].retry or 0) <= 3000


def test_fetch_event_source_gets_no_empty_message(stream: str) -> None:
    command = ["node", "--input-type=module", "-e", FETCH_EVENT_SOURCE, stream]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=scaled(60), check=True)
    messages = [json.loads(line) for line in found.stdout.splitlines()]
    check([message["event"] for message in messages], [message["data"] for message in messages])


def test_a_comment_or_a_pause_to_come_back_after_ends_no_message(stream: str) -> None:
    with httpx.stream("GET", stream, timeout=scaled(20)) as answer:
        blocks = answer.read().decode().split("\n\n")
    assert blocks.pop() == ""
    assert all("\ndata: " in f"\n{block}" for block in blocks)
    assert sum(block.count("\n:") + block.startswith(":") for block in blocks) >= 1
