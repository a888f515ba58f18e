"""A connection's maximal age: its client is asked to come back, and misses nothing."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from support.peer import Peer, peer
from support.system import System, running_system
from tidings.contract import close

AGE_S = 2.0


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(TIDINGS_MAX_CONNECTION_AGE_S=str(AGE_S)) as system:
        yield system


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
    assert closed.value.rcvd.code == close.MAXIMAL_AGE
    assert time.monotonic() - began >= 0.8 * AGE_S


async def test_a_job_that_outlives_many_connections_is_followed_to_its_end(system: System, tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(go)}, watch=False)
    seen = ack["seq"]
    logged: list[object] = []
    for _ in range(3):
        async with peer(system.server.socket_url) as client:
            snapshot = await client.ask("watch", token=ack["token"], after=seen)
            logged += [chunk["data"] for chunk in snapshot["log"]]
            seen = snapshot["seq"]
            async for frame in until_closed(client):
                if frame["type"] == "event":
                    seen = frame["seq"]
                    logged += [frame["data"]] if frame["event"] == "log" else []
    go.touch()
    async with peer(system.server.socket_url) as client:
        await client.ask("watch", token=ack["token"], after=seen)
        assert await client.ends(ack["token"]) == {ack["token"]: "succeeded"}
    assert logged == ["waiting"]


async def until_closed(client: Peer) -> AsyncIterator[dict[str, Any]]:
    """Yield what comes until the server closes the socket."""
    while True:
        try:
            frame = await client.receive()
        except ConnectionClosed:
            return
        yield frame
