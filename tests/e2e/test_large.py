"""A job with a large log: its clients get all of it, and it costs neither the server's memory nor other clients."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from redis.asyncio import Redis

from support.peer import peer
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.protocol.tokens import Token, new_token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

KEYS = StoreKeys()
CHUNKS = 64
CHUNK = '"' + "x" * 65_000 + '"'


system = system_fixture(scope="function")
shared = system_fixture()
"""For tests that measure no memory."""


@pytest.fixture
async def store(system: System) -> AsyncIterator[Redis]:
    client = open_store(system.store.url)
    yield client
    await client.aclose()


async def large_job(store: Redis) -> Token:
    """Return a job that has ended, with a log of four megabytes."""
    token = new_token("default")
    async with store.pipeline(transaction=False) as pipe:
        for number in range(2, CHUNKS + 2):
            pipe.xadd(KEYS.log(*token), {"at": 1, "chunk": CHUNK}, f"{number}-0")
        fields: dict[str, str | int] = {
            "state": "succeeded",
            "kind": "noop",
            "attempt": 1,
            "seq": CHUNKS + 2,
            "submitted": 1,
            "finished": 1,
        }
        fields |= {"result": "1", "logged": CHUNKS * len(CHUNK)}
        for name, value in fields.items():
            pipe.hset(KEYS.job(*token), name, value)
        await pipe.execute()
    return token


def peak_bytes(system: System) -> int:
    """Return the most memory that the server has had."""
    for line in Path(f"/proc/{system.server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("this system does not tell")


async def test_a_few_bytes_of_watches_on_a_large_log_cost_bounded_memory_and_no_other_client(
    system: System, store: Redis
) -> None:
    token = str(await large_job(store))
    async with peer(system.server.socket_url) as hostile, peer(system.server.socket_url) as other:
        assert (await other.run("noop"))[-1]["event"] == "succeeded"
        before = peak_bytes(system)
        for number in range(200):
            await hostile.send("watch", token=token, after=number % 50)
        with anyio.fail_after(scaled(60)):
            for _ in range(5):
                assert (await other.run("noop"))[-1]["event"] == "succeeded"
        assert peak_bytes(system) - before < 150_000_000


async def test_the_same_question_by_many_is_answered_to_all_in_bounded_memory(system: System, store: Redis) -> None:
    token = await large_job(store)
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(60), limits=limits) as http:
        before = peak_bytes(system)

        async def look(after: int) -> int:
            answer = await http.get(f"/v1/jobs/{token}", params={"after": after})
            assert answer.status_code in (200, 429), answer.text
            return len(answer.json()["log"]) if answer.status_code == 200 else CHUNKS

        same = await asyncio.gather(*(look(0) for _ in range(60)))
        assert same == [CHUNKS] * 60
        others = await asyncio.gather(*(look(2 + number % 3) for number in range(30)))
        assert set(others) <= {CHUNKS, CHUNKS - 1, CHUNKS - 2, CHUNKS - 3}
        assert peak_bytes(system) - before < 200_000_000


async def test_over_every_transport_the_whole_log_comes(system: System, store: Redis) -> None:
    token = await large_job(store)
    async with peer(system.server.socket_url) as client:
        snapshot = await client.ask("watch", token=str(token))
        assert [chunk["seq"] for chunk in snapshot["log"]] == list(range(2, CHUNKS + 2))
        assert snapshot["status"] == "succeeded"
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30)) as http:
        answer = await http.get(f"/v1/jobs/{token}/events")
        assert answer.text.count("event: log\n") == CHUNKS
        assert "event: succeeded\n" in answer.text


@pytest.mark.parametrize("number", ["9007199254740992", "9999999999999999", "1e3", "-1", "٣", "NaN", "0x1"])
async def test_a_number_that_no_event_has_is_refused_and_disturbs_no_other_watch(shared: System, number: str) -> None:
    async with peer(shared.server.socket_url) as client, httpx.AsyncClient(base_url=shared.server.url) as http:
        token = (await client.submit("noop"))["token"]
        for headers, params in (({}, {"after": number}), ({"if-none-match": f'"{number}"'.encode()}, {})):
            answer = await http.get(f"/v1/jobs/{token}", params=params, headers=headers)  # type: ignore[arg-type]
            assert answer.status_code == 400, answer.text
        for headers, params in (({}, {"after": number}), ({"last-event-id": number.encode()}, {})):
            answer = await http.get(f"/v1/jobs/{token}/events", params=params, headers=headers)  # type: ignore[arg-type]
            assert answer.status_code == 400, answer.text


async def test_the_largest_number_of_an_event_fails_no_watch(shared: System) -> None:
    async with peer(shared.server.socket_url) as client, peer(shared.server.socket_url) as other:
        mine, theirs = (await client.submit("noop"))["token"], (await other.submit("noop"))["token"]
        for _ in range(30):
            await client.send("watch", token=mine, after=2**53 - 1)
        for _ in range(30):
            assert (await other.ask("watch", token=theirs))["type"] == "snapshot"
    assert '"level": "error"' not in shared.server.text()
