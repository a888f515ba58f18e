"""A connection's maximal age: its client is asked to come back, and misses nothing."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from support.peer import peer
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.protocol.frames import close_codes
from tidings.protocol.states import TERMINAL

AGE_S = 2.0


system = system_fixture(TIDINGS_MAX_CONNECTION_AGE_S=str(AGE_S), TIDINGS_SSE_HEARTBEAT_S="0.1")


async def test_a_socket_that_reached_its_age_is_told_and_closed_as_a_matter_of_routine(system: System) -> None:
    began = time.monotonic()
    async with peer(system.server.socket_url) as client:
        assert client.hello["limits"]["max_connection_age_s"] == AGE_S
        while (frame := await client.receive())["type"] != "goaway":
            pass
        assert "age" in frame["reason"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == close_codes.MAXIMAL_AGE
    assert time.monotonic() - began >= 0.8 * AGE_S


async def test_a_job_that_outlives_many_connections_is_followed_to_its_end(system: System, tmp_path: Path) -> None:
    go = tmp_path / "go"
    token = httpx.post(
        f"{system.server.url}/v1/jobs", json={"kind": "wait_for_file", "input": {"path": str(go)}}
    ).json()["token"]
    seen, lives = 0, 0
    logged: list[object] = []
    ends: list[str] = []
    while not ends:
        async for frame in life(system, token, seen):
            if frame["type"] == "snapshot":
                logged += [chunk["data"] for chunk in frame["log"]]
            elif frame.get("event") == "log":
                logged.append(frame["data"])
            seen = frame.get("seq", seen)
            if frame.get("status") in TERMINAL:
                ends.append(frame["status"])
        lives += 1
        if lives == 3:
            go.touch()
    assert lives > 3
    assert logged == ["waiting"]
    assert ends == ["succeeded"]


def test_a_stream_that_reached_its_age_ends_and_goes_on_where_it_was(system: System, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job = {"kind": "wait_for_file", "input": {"path": str(go)}}
    token = httpx.post(f"{system.server.url}/v1/jobs", json=job).json()["token"]
    names: list[str] = []
    last, lives = "0", 0
    while "succeeded" not in names:
        headers = {"last-event-id": last}
        with httpx.stream(
            "GET", f"{system.server.url}/v1/jobs/{token}/events", headers=headers, timeout=scaled(20)
        ) as answer:
            for line in answer.iter_lines():
                last = line.removeprefix("id: ") if line.startswith("id: ") else last
                names += [line.removeprefix("event: ")] if line.startswith("event: ") else []
        lives += 1
        if lives == 2:
            go.touch()
    assert lives > 2
    assert names.count("log") == 1


async def life(system: System, token: str, after: int) -> AsyncIterator[dict[str, Any]]:
    """Yield what one connection tells of a job, until the job has ended or the server closes the connection."""
    async with peer(system.server.socket_url) as client:
        try:
            await client.send("watch", token=token, after=after)
            while True:
                frame = await client.receive()
                yield frame
                if frame.get("status") in TERMINAL:
                    return
        except ConnectionClosed:
            return
