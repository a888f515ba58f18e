"""A store that has reached its `maxmemory`: it takes nothing new, and what is there comes to its end."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from support.peer import peer
from support.system import System, system_fixture
from tidings.store.redis.store_client import open_store

QUICK = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "0.5", "TIDINGS_GRACE_S": "1"}


system = system_fixture(scope="function", both=QUICK, TIDINGS_SLOTS="1")


@pytest.fixture
async def store(system: System) -> AsyncIterator[Redis]:
    client = open_store(system.store.url)
    yield client
    await client.aclose()


async def keys_of(store: Redis) -> set[bytes]:
    """Return all keys but those that say who lives."""
    return {key async for key in store.scan_iter() if b"{registry}" not in key}


async def test_a_full_store_refuses_submissions_ends_jobs_and_takes_more_when_there_is_room(
    system: System, store: Redis, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    async with peer(system.server.socket_url) as client, httpx.AsyncClient(base_url=system.server.url) as http:
        running = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(running["token"], "log")
        waiting = [(await client.submit(kind))["token"] for kind in ("noop", "steps", "flaky", "noop")]
        delayed = [(await client.submit("noop", delay=delay))["token"] for delay in (1, 3600)]
        before = await keys_of(store)

        await store.config_set("maxmemory", 1)
        for fields in ({}, {"key": "once"}, {"delay": 5}):
            refused = await client.submit("noop", **fields)
            assert refused["problem"]["code"] == "store_unavailable", refused
            assert refused["problem"]["retry_after"] > 0
            assert "memory" in refused["problem"]["detail"]
        answer = await http.post("/v1/jobs", json={"kind": "noop", "input": {}})
        assert answer.status_code == 503
        assert await keys_of(store) == before

        for token in (waiting[-1], delayed[-1]):
            assert (await client.ask("cancel", token=token))["type"] != "error"
        path.touch()
        ends = await client.ends(running["token"], *waiting[:-1], delayed[0])
        assert set(ends.values()) == {"succeeded"}
        assert system.server.get("/readyz")[0] == 200

        await store.config_set("maxmemory", 0)
        assert (await client.run("noop", key="once"))[-1]["event"] == "succeeded"
    for process in (system.server, system.workers[0]):
        assert process.process.poll() is None
        text = process.text()
        assert text.count('"store_lost"') == 0, text
    assert system.server.text().count('"store_full"') == 1, system.server.text()
    assert system.server.text().count('"store_has_room"') == 1, system.server.text()
    assert '"level": "error"' not in system.workers[0].text()


async def test_a_worker_that_comes_to_a_full_store_empties_it_and_leaves_nothing_behind(
    system: System, store: Redis
) -> None:
    (old,) = system.workers
    old.close()  # killed
    async with peer(system.server.socket_url) as client:
        tokens = [(await client.submit("noop"))["token"] for _ in range(20)]
        await store.config_set("maxmemory", 1)
        fresh = system.add_worker(**QUICK)
        ends = await client.ends(*tokens)
        assert set(ends.values()) == {"succeeded"}
    assert await store.xlen("t:{default}:ready:standard") == 0
    assert await store.zscore("t:{registry}:workers", "nobody") is None
    assert await store.zcard("t:{registry}:workers") >= 1
    fresh.process.terminate()
    assert fresh.wait() == 0, fresh.text()
    consumers = await store.xinfo_consumers("t:{default}:ready:standard", "workers")
    assert len(consumers) == 1, (consumers, fresh.text())  # the killed one's, for the sweep
    assert fresh.text().count('"level": "warning"') == 0, fresh.text()
