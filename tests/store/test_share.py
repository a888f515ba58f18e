"""One caller's share of the store, in bytes; the warning before it is full; and keys that outlive their results."""

from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from redis.asyncio import Redis

from support.peer import peer
from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.admin.queue_stats import NEARLY_FULL, StoreMemory
from tidings.store.redis.store_client import open_store
from tidings_server.observability.store_memory import StoreMemoryWatch

LIMIT = 65_536


system = system_fixture(scope="function", TIDINGS_RESULT_TTL_S="0.05", TIDINGS_MAX_BACKLOG_BYTES_PER_CALLER=str(LIMIT))


@pytest.fixture
async def store(system: System) -> AsyncIterator[Redis]:
    client = open_store(system.store.url)
    yield client
    await client.aclose()


async def test_delayed_jobs_of_one_caller_fill_its_share_and_no_more(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        acked = []
        while (answer := await client.submit("echo", {"text": "x" * 10_000}, delay=3600))["type"] == "ack":
            acked.append(answer["token"])
        assert len(acked) == LIMIT // 10_100
        problem = answer["problem"]
        assert (problem["code"], problem["limit"]) == ("backlog_full", LIMIT)
        assert "max_backlog_bytes_per_caller" in problem["detail"]
        assert problem["retry_after"] > 0
        assert (await client.ask("cancel", token=acked[-1]))["type"] == "done"
        assert (await client.submit("echo", {"text": "x" * 10_000}, delay=3600))["type"] == "ack"


async def test_an_input_larger_than_the_whole_share_is_refused_for_good(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        refused = (await client.submit("echo", {"text": "x" * LIMIT}))["problem"]
        assert (refused["code"], refused["field"], refused["limit"]) == ("too_large", "/input", LIMIT)


async def test_a_key_lives_on_when_the_result_has_gone(system: System) -> None:
    headers = {"idempotency-key": "order-17"}
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        first = (await http.post("/v1/jobs", json={"kind": "noop", "input": {}}, headers=headers)).json()
        with anyio.fail_after(scaled(15)):
            while (await http.get(f"/v1/jobs/{first['token']}")).status_code != 404:
                pass
        for prefer in ({}, {"prefer": "wait=5"}):
            again = await http.post("/v1/jobs", json={"kind": "noop", "input": {}}, headers={**headers, **prefer})
            assert again.status_code == 202
            ack = again.json()
            assert (ack["token"], ack["duplicate"], ack["status"]) == (first["token"], True, "unknown")
        other = await http.post("/v1/jobs", json={"kind": "echo", "input": {"text": "a"}}, headers=headers)
        assert other.status_code == 202  # a key is of one kind
        changed = await http.post("/v1/jobs", json={"kind": "echo", "input": {"text": "b"}}, headers=headers)
        assert changed.json()["code"] == "key_reused"
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("noop", key="order-17")
        assert (ack["token"], ack["duplicate"]) == (first["token"], True)
        assert (await client.answer(ack["ref"]))["problem"]["code"] == "unknown_token"


async def test_operators_are_warned_before_the_store_is_full(system: System, store: Redis) -> None:
    assert '"store_nearly_full"' not in system.server.text()
    await store.setrange("ballast", 30_000_000, b"x")  # beside it what connections need is little
    used = int((await store.info("memory"))["used_memory"])
    await store.config_set("maxmemory", int(used / 0.9))
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        await until_async(lambda: http.get("/readyz"), lambda found: found.json()["store_nearly_full"], pause_s=0.1)
        assert (await http.get("/readyz")).status_code == 200
        assert "tidings_store_nearly_full 1" in (await http.get("/metrics")).text
    assert system.server.text().count('"store_nearly_full"') == 1
    await store.config_set("maxmemory", 0)
    await store.delete("ballast")


@pytest.mark.parametrize(
    ("used", "limit", "warned"),
    [(None, None, False), (100, None, False), (80, 100, False), (81, 100, True), (200, 100, True), (None, 100, False)],
)
def test_the_warning_is_above_a_share_of_what_the_store_may_hold(
    used: int | None, limit: int | None, warned: bool
) -> None:
    assert NEARLY_FULL == 0.8
    assert StoreMemory(used=used, limit=limit).nearly_full is warned


async def test_the_warning_is_told_once_and_taken_back(store_process: object) -> None:
    memory = StoreMemoryWatch(None)  # type: ignore[arg-type] # it is told what the store holds
    memory.note(StoreMemory(used=90, limit=100))
    assert memory.nearly_full
    memory.note(StoreMemory(used=95, limit=100))
    memory.note(StoreMemory(used=10, limit=100))
    assert not memory.nearly_full
