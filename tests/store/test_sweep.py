"""What dead workers and lost writes leave in the store is swept away, and nothing else."""

import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from redis.asyncio import Redis

from support.peer import peer
from support.system import running_system
from support.timeouts import scaled
from tidings.broker.connection import command, open_store
from tidings.broker.gateway import GatewayStore, NewJob
from tidings.broker.keys import GROUP, Keys
from tidings.broker.registry import Registry
from tidings.broker.worker import Entry, Outcome, Report, WorkerStore
from tidings.contract.state import State
from tidings.contract.token import Token, mint
from tidings_worker.sweeper import Sweeper

KEYS = Keys()
READY = KEYS.ready("p", "standard")
TTL_S = 3600.0
LONG_S = 3600.0
DONE = Outcome(State.SUCCEEDED, "result", "1", '"event":"succeeded","status":"succeeded","data":{"result":1}}')


@asynccontextmanager
async def broker(store: Redis) -> AsyncIterator[tuple[WorkerStore, GatewayStore]]:
    """A worker and a gateway of an empty partition. (No fixtures: their task groups want one task.)"""
    async with (
        WorkerStore(store, KEYS, "p", "w", result_ttl_s=TTL_S) as worker,
        GatewayStore(store, KEYS, "g") as gateway,
    ):
        await worker.join(["standard"])
        yield worker, gateway


async def consumers(store: Redis) -> set[str]:
    return {row["name"].decode() for row in await store.xinfo_consumers(READY, GROUP)}


async def idle_for_a_moment(store: Redis) -> None:
    """Return when every consumer has been idle for some ms by the store's clock."""
    while any(row["idle"] <= 5 for row in await store.xinfo_consumers(READY, GROUP)):
        pass


async def submitted(gateway: GatewayStore) -> str:
    job = NewJob(mint("p").id, "k", "standard", "[]", watch=0)
    return (await gateway.submit("p", job)).id


async def done(worker: WorkerStore, gateway: GatewayStore) -> str:
    job = await submitted(gateway)
    (entry,) = await worker.take(["standard"], 1, 1)
    (started,) = await worker.start([entry])
    report = Report(job, started.fence, 1)
    report.outcome = DONE
    assert await worker.report(report) == "ok"
    return job


async def sweep_all(worker: WorkerStore, living: list[str], idle_s: float) -> tuple[int, int, int]:
    """Sweep until the cursor is back at its beginning."""
    cursor, counts = "0", [0, 0, 0]
    while True:
        swept = await worker.sweep(["standard"], living, idle_s, cursor)
        counts = [a + b for a, b in zip(counts, (swept.consumers, swept.logs, swept.records), strict=True)]
        cursor = swept.cursor
        if cursor == "0":
            return counts[0], counts[1], counts[2]


async def take_as(store: Redis, name: str) -> list[Entry]:
    async with WorkerStore(store, KEYS, "p", name) as other:
        return await other.take(["standard"], 1, 1)


async def test_only_a_consumer_that_is_idle_and_empty_and_not_alive_goes(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        await submitted(gateway)
        assert len(await take_as(store, "holds")) == 1
        for name in ("dead", "alive"):
            assert await take_as(store, name) == []
        assert (await sweep_all(worker, ["alive"], LONG_S))[0] == 0
        await idle_for_a_moment(store)
        assert (await sweep_all(worker, ["alive"], 0.001))[0] == 1
        assert await consumers(store) == {"holds", "alive"}
        assert (await store.xpending(READY, GROUP))["pending"] == 1


async def test_a_consumer_that_was_swept_while_it_waited_comes_back_with_its_entry(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        found: list[Entry] = []

        async def wait() -> None:
            found.extend(await worker.take(["standard"], 1, 10_000))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            while "w" not in await consumers(store):
                pass
            await idle_for_a_moment(store)
            assert (await sweep_all(worker, [], 0.001))[0] == 1
            job = await submitted(gateway)
        assert [entry.id for entry in found] == [job]
        assert (await worker.start(found))[0].go


async def test_a_log_without_its_job_goes_and_one_with_it_stays(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        job = await submitted(gateway)
        for one in (job, "orphan"):
            await store.xadd(KEYS.log("p", one), {"at": 1, "chunk": "1"})
        await store.xadd(KEYS.log("other", "orphan"), {"at": 1, "chunk": "1"})
        assert await sweep_all(worker, [], LONG_S) == (0, 1, 0)
        assert await store.exists(KEYS.log("p", job), KEYS.log("other", "orphan")) == 2
        assert await store.exists(KEYS.log("p", "orphan")) == 0


async def test_the_record_of_an_ended_job_gets_the_expiry_it_lacks(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        ended, live = await done(worker, gateway), await submitted(gateway)
        await store.persist(KEYS.job("p", ended))
        await store.xadd(KEYS.log("p", ended), {"at": 1, "chunk": "1"})
        assert await sweep_all(worker, [], LONG_S) == (0, 0, 1)
        for key in (KEYS.job("p", ended), KEYS.log("p", ended)):
            assert 0 < await store.pttl(key) <= TTL_S * 1000
        assert await store.pttl(KEYS.job("p", live)) == -1
        assert (await gateway.read(Token("p", live))).state == State.QUEUED
        assert await sweep_all(worker, [], LONG_S) == (0, 0, 0)


async def test_a_sweep_looks_at_a_part_and_goes_on_from_there(store: Redis) -> None:
    async with broker(store) as (worker, _):
        orphans = 5_000
        async with store.pipeline(transaction=False) as pipe:
            for number in range(orphans):
                pipe.xadd(KEYS.log("p", str(number)), {"chunk": "1"})
            await pipe.execute()
        sweeper = Sweeper(worker, Registry(store, KEYS), ["standard"], every_s=1, lease_s=1)
        first = await sweeper.sweep()
        assert 0 < first.logs < orphans / 2
        swept = first.logs
        while (some := await sweeper.sweep()).cursor != "0":
            swept += some.logs
        assert swept + some.logs == orphans


async def test_the_consumer_of_a_worker_that_was_killed_is_gone_after_a_while() -> None:
    quick = {"TIDINGS_LEASE_S": "0.5", "TIDINGS_HEARTBEAT_S": "0.1", "TIDINGS_SWEEP_S": "1"}
    with running_system(servers=1, workers=2, **quick, TIDINGS_LOG_LEVEL="debug") as system:
        store = open_store(system.store.url)
        stream = KEYS.ready("default", "standard")

        async def names() -> list[str]:
            return [row["name"].decode() for row in await store.xinfo_consumers(stream, GROUP)]

        with anyio.fail_after(scaled(20)):
            while len(await names()) < 2:
                await anyio.sleep(0.05)
        killed, left = system.workers
        killed.signal(signal.SIGKILL)
        begun = time.monotonic()
        with anyio.fail_after(scaled(60)):
            while len(await names()) > 1:
                await anyio.sleep(0.2)
        assert time.monotonic() - begun > 1
        async with peer(system.server.socket_url) as client:
            assert (await client.run("noop"))[-1]["event"] == "succeeded"
        await command(store, "PING")
        await store.aclose()
        assert '"swept"' in left.text(), left.text()
