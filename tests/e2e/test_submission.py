"""What a submission may ask for, over the socket and over HTTP: uniqueness, moments, a share of the queue."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.peer import Peer, peer
from support.system import System, running_system
from support.timeouts import scaled


@pytest.fixture(scope="module")
def tight() -> Iterator[System]:
    """A system whose queue holds 5 jobs, 3 of one caller, and whose worker runs one at a time."""
    with running_system(TIDINGS_MAX_BACKLOG="5", TIDINGS_MAX_BACKLOG_PER_CALLER="3", TIDINGS_SLOTS="1") as system:
        yield system


def post(system: System, **fields: Any) -> tuple[int, dict[str, Any], str | None]:
    request = urllib.request.Request(system.server.url + "/v1/jobs", json.dumps(fields).encode())
    try:
        with urllib.request.urlopen(request, timeout=scaled(10)) as answer:
            return answer.status, json.load(answer), None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers.get("retry-after")


async def test_one_live_job_for_each_value(client: Peer, tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a", "b")]
    first = await client.submit("only_one", {"path": paths[0]})
    assert not first["duplicate"]
    again = await client.submit("only_one", {"path": paths[0]})
    assert (again["token"], again["duplicate"]) == (first["token"], True)
    other = await client.submit("only_one", {"path": paths[1]})
    assert other["token"] != first["token"]
    Path(paths[0]).touch()
    await client.until(first["token"])
    assert (await client.submit("only_one", {"path": paths[0]}))["token"] != first["token"]
    Path(paths[1]).touch()


async def test_a_job_for_a_moment_is_scheduled_and_both_ways_of_delay_are_refused(client: Peer) -> None:
    with anyio.fail_after(scaled(10)):
        while (await client.submit("noop"))["degraded"] == "unserved":
            pass  # the server has not seen the worker yet
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    ack = await client.submit("noop", at=later)
    assert ack["status"] == "scheduled"
    assert 3_500 < ack["eta"] <= 3_600
    await client.ask("cancel", token=ack["token"])
    past = await client.submit("noop", at="2001-01-01T00:00:00+01:00")
    assert (past["status"], past["eta"]) == ("queued", 0)
    both = await client.submit("noop", at=later, delay=1)
    assert (both["problem"]["code"], both["problem"]["field"]) == ("invalid_frame", "/at")
    local = await client.submit("noop", at="2001-01-01T00:00:00")
    assert local["problem"]["field"] == "/at"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"delay": -1}, "/delay"),
        ({"delay": 10**9}, "/delay"),
        ({"deadline": 0}, "/deadline"),
        ({"deadline": -5}, "/deadline"),
        ({"key": "k" * 300}, "/key"),
        ({"key": "with space"}, "/key"),
        ({"at": "tomorrow"}, "/at"),
        ({"at": "9999-12-31T23:59:59Z"}, "/at"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(client: Peer, fields: dict[str, Any], field: str) -> None:
    error = await client.submit("noop", **fields)
    assert (error["type"], error["problem"]["code"], error["problem"]["field"]) == ("error", "invalid_frame", field)


async def test_a_caller_s_share_and_then_the_queue_are_full(tight: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    async with peer(tight.server.socket_url) as client:
        running = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(running["token"], "log")
        acks = [await client.submit("noop") for _ in range(2)]
        assert [ack["position"] for ack in acks] == [0, 1]
        refused = (await client.submit("noop"))["problem"]
        assert (refused["code"], refused["limit"], refused["status"]) == ("backlog_full", 3, 429)
        assert refused["retry_after"] >= 1
        status, problem, retry_after = post(tight, kind="noop", input={})
        assert (status, problem["code"]) == (429, "backlog_full")
        assert int(retry_after or 0) >= 1
        path.touch()
        for ack in [running, *acks]:
            await client.until(ack["token"])
        assert post(tight, kind="noop", input={})[0] == 202


async def test_a_side_effect_is_not_repeated_by_a_retry(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "effects"
    events = await client.run("charge_then_fail", {"path": str(path)})
    assert events[-1]["data"]["result"] == ["paid", 3]
    assert path.read_text() == "x"
    events = await client.run("charge_in_thread", {"path": str(path)})
    assert events[-1]["data"]["result"] == ["paid", 2]
    assert path.read_text() == "xx"
    events = await client.run("charge_in_process", {"path": str(path)})
    assert events[-1]["data"]["result"] == ["paid", 2]
    assert path.read_text() == "xxx"
