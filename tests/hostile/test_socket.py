"""Hostile clients of the socket: each gets what is promised, and the others on the same server are unharmed."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import anyio
import anyio.lowlevel
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from support.peer import Peer, peer
from support.system import System, system_fixture
from support.timeouts import scaled
from support.wire.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, frame, raw_socket
from tidings.protocol.frames import close_codes
from tidings.protocol.frames.messages import SUBPROTOCOL

ENVIRONMENT = {
    "TIDINGS_MAX_WAITING_BYTES": "1000000",
    "TIDINGS_MAX_FRAMES_PER_S": "1000",
    "TIDINGS_MAX_FRAME_BURST": "2000",
    "TIDINGS_PING_INTERVAL_S": "0.5",
    "TIDINGS_PING_TIMEOUT_S": str(scaled(1.5)),  # a test that sends a million pings answers none meanwhile
    "TIDINGS_MAX_CONNECTIONS_PER_ADDRESS": "60",
}


system = system_fixture(both=ENVIRONMENT)


@pytest.fixture
async def other(system: System) -> AsyncIterator[Peer]:
    """Another client of the same server, which is served as ever afterwards."""
    async with peer(system.server.socket_url) as other:
        yield other
        events = await other.run("echo", {"text": "unharmed"})
        assert events[-1]["data"] == {"result": "unharmed"}


PING_FRAME = frame(TEXT, b'{"type":"ping","ref":1}')


@pytest.mark.parametrize(
    ("flood", "count"),
    [
        pytest.param(PING_FRAME, 1_000_000, id="a million tiny frames"),
        pytest.param(frame(PING), 1_000_000, id="a million pings"),
        pytest.param(frame(PONG), 1_000_000, id="a million pongs"),
        pytest.param(frame(TEXT, b"{"), 100_000, id="frames that are no JSON"),
        pytest.param(frame(TEXT, b'{"type":"watch","ref":1,"token":"default.x"}'), 100_000, id="watches of nothing"),
    ],
)
async def test_a_flood_is_cut_off_with_the_time_to_stay_away(
    system: System, other: Peer, flood: bytes, count: int
) -> None:
    async with raw_socket(system.server.socket_url) as flooder, anyio.create_task_group() as tasks:

        async def pour() -> None:
            block = flood * 10_000
            try:
                for _ in range(count // 10_000):
                    await flooder.write(block)
            except (ConnectionError, TimeoutError):
                return  # cut off

        tasks.start_soon(pour)
        complaint = b""
        while True:
            came = await flooder.frame()
            if came.opcode == CLOSE:
                break
            if came.opcode == TEXT:
                complaint = came.payload
        assert came.close_code == close_codes.RATE_LIMITED
        said = json.loads(complaint)
        assert said["ref"] is None
        assert said["problem"]["code"] == "rate_limited"
        assert said["problem"]["retry_after"] > 0
        tasks.cancel_scope.cancel()


async def test_a_million_empty_fragments_are_a_flood_too(system: System, other: Peer) -> None:
    async with raw_socket(system.server.socket_url) as flooder, anyio.create_task_group() as tasks:

        async def pour() -> None:
            await flooder.write(frame(TEXT, b"", fin=False))
            try:
                for _ in range(100):
                    await flooder.write(frame(CONTINUATION, b"", fin=False) * 10_000)
            except (ConnectionError, TimeoutError):
                return

        tasks.start_soon(pour)
        assert (await flooder.until(CLOSE)).close_code == close_codes.RATE_LIMITED
        tasks.cancel_scope.cancel()


async def test_a_frame_that_says_it_has_100_mb_is_refused_before_it_comes(system: System, other: Peer) -> None:
    async with raw_socket(system.server.socket_url) as giant:
        await giant.write(frame(TEXT, b'{"type":"', size=100_000_000))
        assert (await giant.until(CLOSE)).close_code == close_codes.TOO_LARGE


async def test_100_mb_in_fragments_are_refused_when_they_pass_the_limit(system: System, other: Peer) -> None:
    async with raw_socket(system.server.socket_url) as giant, anyio.create_task_group() as tasks:

        async def pour() -> None:
            part = os.urandom(100_000).hex().encode()[:100_000]
            try:
                await giant.write(frame(TEXT, part, fin=False))
                for _ in range(999):
                    await anyio.lowlevel.checkpoint()  # the refusal is read before the server, later, drops the rest
                    await giant.write(frame(CONTINUATION, part, fin=False))
            except (ConnectionError, TimeoutError):
                return

        tasks.start_soon(pour)
        assert (await giant.until(CLOSE)).close_code == close_codes.TOO_LARGE
        tasks.cancel_scope.cancel()


async def test_json_that_nests_a_hundred_thousand_levels_deep_gets_an_error(system: System, other: Peer) -> None:
    ref = await other.send("ping")
    await other.connection.send(
        '{"type":"submit","ref":77,"kind":"echo","input":' + "[" * 100_000 + "]" * 100_000 + "}"
    )
    assert (await other.answer(ref))["type"] == "pong"
    refused = await other.receive()
    assert refused["ref"] == 77  # the head of the frame is read, and no more of it
    assert refused["problem"]["code"] == "invalid_frame"
    assert refused["problem"]["limit"] == 64


async def test_a_compressed_frame_is_refused_unread(system: System, other: Peer) -> None:
    """No compression was agreed on, so that no small frame can become a large one (RFC 6455, section 5.2)."""
    async with raw_socket(
        system.server.socket_url, Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"
    ) as bomb:
        await bomb.write(frame(TEXT, b"\x00" * 100, rsv=4))
        assert (await bomb.until(CLOSE)).close_code == 1002


async def test_one_that_vanished_without_a_word_is_let_go_of(system: System, other: Peer) -> None:
    async with raw_socket(system.server.socket_url) as dead:
        came = await dead.until(PING)
        assert came.payload == b""
        assert (await dead.until(CLOSE)).close_code == 1011  # it never sent the pong
        assert await dead.read_all() == b""


async def test_one_that_answers_pings_stays(system: System, other: Peer) -> None:
    async with raw_socket(system.server.socket_url) as quiet:
        for _ in range(4):
            await quiet.until(PING)
            await quiet.write(frame(PONG))
        await quiet.write(PING_FRAME)
        assert b"pong" in (await quiet.until(TEXT)).payload


async def test_twenty_that_ask_and_never_read_cost_bounded_memory_and_delay_no_other(
    system: System, other: Peer
) -> None:
    big = await other.submit("big", {"size": 500_000})
    await other.ends(big["token"])
    server = psutil.Process(system.server.process.pid)
    before = server.memory_info().rss
    watch = frame(TEXT, json.dumps({"type": "watch", "ref": 1, "token": big["token"]}).encode())
    async with AsyncExitStack() as stack:
        deaf = [
            await stack.enter_async_context(raw_socket(system.server.socket_url, receive_buffer=4096))
            for _ in range(20)
        ]
        most = before
        for _ in range(50):
            for one in deaf:
                try:
                    await one.write(watch)
                except ConnectionError:
                    continue  # given up already
            await other.run("echo", {"text": "in between"})
            most = max(most, server.memory_info().rss)
        # They asked for 500 MB. What waits is at most 1 MB each, the answer that was too much, and the kernel's share.
        assert most - before < 150_000_000


async def test_a_reader_too_slow_is_told_so_without_a_hole_and_goes_on_where_it_was(
    system: System, other: Peer
) -> None:
    # Watched before it begins: a watch that is answered late tells the log as one message, and what follows is a race.
    ack = await other.submit("count", {"chunks": 400, "fat": 20_000}, delay=1)
    seen: list[int] = []
    async with raw_socket(system.server.socket_url, receive_buffer=4096) as slow:
        await slow.write(frame(TEXT, json.dumps({"type": "watch", "ref": 1, "token": ack["token"]}).encode()))
        events = await other.until(ack["token"])  # it reads nothing until the job has ended
        while (came := await slow.frame()).opcode != CLOSE:
            if came.opcode == TEXT:
                seen.append(json.loads(came.payload)["seq"])
        assert came.close_code == close_codes.TOO_SLOW
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    assert seen[-1] < events[-1]["seq"]
    async with peer(system.server.socket_url) as again:
        snapshot = await again.ask("watch", token=ack["token"], after=seen[-1])
        assert snapshot["status"] == "succeeded"
        assert snapshot["truncated"] or snapshot["log"][0]["seq"] == seen[-1] + 1


async def test_a_page_of_another_origin_is_refused(system: System, other: Peer) -> None:
    async with connect(
        system.server.socket_url, subprotocols=[Subprotocol(SUBPROTOCOL)], origin=Origin("https://evil.example")
    ) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == close_codes.FORBIDDEN


async def test_an_address_with_too_many_connections_is_told_so_before_the_upgrade(system: System, other: Peer) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(InvalidStatus) as refused:  # noqa: PT012 - how many are open already is not ours to know
            for _ in range(61):
                await stack.enter_async_context(peer(system.server.socket_url))
        response = refused.value.response
        assert response.status_code == 429
        assert response.headers["retry-after"]
        problem = json.loads(response.body)
        assert (problem["code"], problem["limit"]) == ("rate_limited", 60)
