"""A server behind the proxy dies, or is asked to leave: its clients go on at the other."""

import signal
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx
import pytest

from proxies.conftest import World
from support.timeouts import scaled
from tidings import Client

CLIENTS = 4
"""Enough that either server has some."""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_clients_of_a_server_that_goes_resume_at_the_other(
    own_world: World, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "go"
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(own_world.front.url)) for _ in range(CLIENTS)]
        handles = [await client.submit("wait_for_file", path=str(path)) for client in clients]
        first, _ = own_world.system.servers
        first.signal(number)
        code = await anyio.to_thread.run_sync(first.wait)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL), first.text()
        more = [await client.submit("echo", text="after") for client in clients]
        path.touch()
        assert [await handle.result(timeout=scaled(20)) for handle in handles] == ["found"] * CLIENTS
        assert [await handle.result(timeout=scaled(20)) for handle in more] == ["after"] * CLIENTS


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_streams_of_a_server_that_goes_resume_at_the_other(
    own_world: World, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "go"
    ends: list[list[str]] = []
    async with httpx.AsyncClient(base_url=own_world.front.url, timeout=scaled(20)) as http:
        answer = await http.post("/v1/jobs", json={"kind": "wait_for_file", "input": {"path": str(path)}})
        token = answer.json()["token"]
        waiting = anyio.Event()
        following: set[int] = set()

        async def follow(client: int) -> None:
            names: list[str] = []
            last = "0"
            while "succeeded" not in names:
                try:
                    url = f"/v1/jobs/{token}/events"
                    async with http.stream("GET", url, headers={"last-event-id": last}) as answer:
                        async for line in answer.aiter_lines():
                            field, _, value = line.partition(": ")
                            last = value if field == "id" else last
                            names += [value] if field == "event" and value != "snapshot" else []
                            if "log" in names:
                                following.add(client)
                            if len(following) == CLIENTS:
                                waiting.set()
                except httpx.TransportError:
                    continue
            ends.append(names)

        with anyio.fail_after(scaled(40)):
            async with anyio.create_task_group() as tasks:
                for one in range(CLIENTS):
                    tasks.start_soon(follow, one)
                await waiting.wait()
                first, _ = own_world.system.servers
                first.signal(number)
                await anyio.to_thread.run_sync(first.wait)
                path.touch()
    assert len(ends) == CLIENTS
    for names in ends:
        assert names.count("log") == 1
        assert names[-1] == "succeeded"
