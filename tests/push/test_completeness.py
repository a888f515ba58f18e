"""The four promises under "Order and completeness" (contract, section 2), for each transport, on several servers.

`Seen` checks with every frame that numbers rise and that nothing follows the end; the tests drive and compare the rest.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from push.follow import TRANSPORTS, Follow, by_socket, by_stream
from push.seen import Seen
from push.world import Teller
from support.peer import peer
from support.system import System
from support.timeouts import scaled

each_transport = pytest.mark.parametrize("follow", TRANSPORTS.values(), ids=TRANSPORTS.keys())


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


async def submit(http: httpx.AsyncClient, kind: str, input: dict[str, Any], **fields: Any) -> str:
    answer = await http.post("/v1/jobs", json={"kind": kind, "input": input, **fields})
    token: str = answer.json()["token"]
    return token


@each_transport
@pytest.mark.parametrize("lasts", [1, 2, 7])
async def test_who_goes_on_at_another_server_after_each_break_misses_nothing_and_hears_nothing_twice(
    system: System, teller: Teller, follow: Follow, lasts: int
) -> None:
    seen = Seen()
    token = await teller.begin()
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, system.servers, token, seen, lasts)
            for goal in range(5, 65, 5):
                teller.up_to(goal)
                await seen.until(goal)
            teller.up_to(70, end=True)
    seen.check(70)


@each_transport
async def test_what_happened_while_no_client_was_connected_is_told_by_any_server(
    system: System, teller: Teller, follow: Follow
) -> None:
    first, second = system.servers
    seen = Seen()
    token = await teller.begin()
    teller.up_to(10)
    with anyio.fail_after(scaled(60)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, [first], token, seen, 0)
            await seen.until(10)
            tasks.cancel_scope.cancel()
        teller.up_to(40)
        await teller.told(40)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, [second], token, seen, 0)
            await seen.until(40)
            teller.up_to(50, end=True)
    seen.check(50)


@each_transport
async def test_a_result_is_found_whole_under_its_token_on_every_server(
    system: System, teller: Teller, follow: Follow
) -> None:
    token = await teller.begin()
    teller.up_to(20, end=True)
    await teller.told(20)
    for server in system.servers:
        seen = Seen()
        with anyio.fail_after(scaled(30)):
            await follow([server], token, seen, 0)
        seen.check(20)


@pytest.mark.parametrize("follow", [by_socket, by_stream], ids=["socket", "stream"])
async def test_no_change_of_state_is_skipped(system: System, http: httpx.AsyncClient, follow: Follow) -> None:
    seen = Seen()
    token = await submit(http, "flaky", {}, delay=2)  # time enough to be there when it begins
    with anyio.fail_after(scaled(30)):
        await follow([system.servers[1]], token, seen, 0)
    assert seen.changes == [
        "queued", "started", "retrying", "queued", "started", "retrying", "queued", "started", "succeeded",
    ]  # fmt: skip


async def test_after_its_end_a_job_is_silent(system: System, teller: Teller) -> None:
    token = await teller.begin()
    for server in system.servers:
        async with peer(server.socket_url) as client:
            await client.ask("watch", token=token)
            teller.up_to(3, end=True)
            await client.until(token)  # on the second server, after a snapshot that tells the end too
            ref = await client.send("ping")
            assert await client.receive() == {"type": "pong", "ref": ref}


TAIL = '"event":"succeeded","status":"succeeded","data":{"result":""}}'
FRAME_CAP = 65_536
"""The most that the end of an event's frame may have to be published whole (store/lua/lib/events/events.lua)."""


@each_transport
@pytest.mark.parametrize("beyond", [-1, 0, 1, 500_000])
async def test_an_event_that_is_too_large_to_publish_is_fetched(
    system: System, http: httpx.AsyncClient, tmp_path: Path, follow: Follow, beyond: int
) -> None:
    path = tmp_path / "go"
    size = FRAME_CAP - len(TAIL) + beyond
    seen = Seen()
    token = await submit(http, "big_when", {"path": str(path), "size": size})
    with anyio.fail_after(scaled(30)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, [system.servers[1]], token, seen, 0)
            while not seen.seq and not seen.snapshots:
                await seen.news.wait()
            told = seen.snapshots
            path.touch()
    assert seen.ended
    assert seen.result == "x" * size
    assert seen.snapshots == told, "it is told as an event, as a small one is"
