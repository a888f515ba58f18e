"""What dead workers and lost writes leave in the store is swept away, and nothing else."""

import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

from support.peer import peer
from support.system import running_system
from support.waiting import until_async
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import (
    AttemptOutcome,
    AttemptReport,
    AttemptStore,
    LeaseRenewal,
    ReadyEntry,
    StartRules,
)
from tidings.store.jobs.job_store import JobStore, NewJob, QueueingTerms
from tidings.store.keys import GROUP, StoreKeys
from tidings.store.redis.store_client import command, open_store
from tidings.store.registry import Registry
from tidings_worker.queue.sweeper import Sweeper
from tidings_worker.queue.upkeep_duty import UpkeepDuty

KEYS = StoreKeys()
READY = KEYS.ready("p", "standard")
TTL_S = 3600.0
LONG_S = 3600.0
DONE = AttemptOutcome(State.SUCCEEDED, "result", "1")


@asynccontextmanager
async def broker(store: Redis) -> AsyncIterator[tuple[AttemptStore, JobStore]]:
    """A worker and a gateway of an empty partition. (No fixtures: their task groups want one task.)"""
    async with (
        AttemptStore(store, KEYS, "p", "w", result_ttl_s=TTL_S) as worker,
        JobStore(store, KEYS, "g") as gateway,
    ):
        await worker.join(["standard"])
        yield worker, gateway


async def consumers(store: Redis) -> set[str]:
    return {row["name"].decode() for row in await store.xinfo_consumers(READY, GROUP)}


async def idle_for_a_moment(store: Redis) -> None:
    """Return when every consumer has been idle for some ms by the store's clock."""
    while any(row["idle"] <= 5 for row in await store.xinfo_consumers(READY, GROUP)):
        pass


async def submitted(gateway: JobStore) -> str:
    job = NewJob(new_token("p").id, "k", "standard", "[]", watch=0)
    return (await gateway.submit("p", job)).id


async def done(worker: AttemptStore, gateway: JobStore) -> str:
    job = await submitted(gateway)
    (entry,) = await worker.take(["standard"], 1, 1)
    (started,) = await worker.start([entry])
    report = AttemptReport(job, started.fence, 1)
    report.outcome = DONE
    assert await worker.report(report) == "ok"
    return job


async def sweep_all(worker: AttemptStore, living: list[str], idle_s: float) -> tuple[int, int, int]:
    """Sweep until the cursor is back at its beginning."""
    cursor, counts = "0", [0, 0, 0]
    while True:
        swept = await worker.sweep(["standard"], living, idle_s, cursor)
        counts = [a + b for a, b in zip(counts, (swept.consumers, swept.logs, swept.records), strict=True)]
        cursor = swept.cursor
        if cursor == "0":
            return counts[0], counts[1], counts[2]


async def take_as(store: Redis, name: str) -> list[ReadyEntry]:
    async with AttemptStore(store, KEYS, "p", name) as other:
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
        found: list[ReadyEntry] = []

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
        assert await store.exists(KEYS.log("p", job)) == 1
        assert await store.exists(KEYS.log("other", "orphan")) == 1
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
        sweeper = Sweeper(worker, Registry(store, KEYS), ["standard"], 1, 1, UpkeepDuty())
        first = await sweeper.sweep()
        assert 0 < first.logs < orphans / 2
        swept = first.logs
        while (some := await sweeper.sweep()).cursor != "0":
            swept += some.logs
        assert swept + some.logs == orphans


async def lost_in(worker: AttemptStore, idle_s: float = LONG_S) -> int:
    """Sweep everything; return how many jobs were found that lay nowhere."""
    cursor, lost = "0", 0
    while True:
        swept = await worker.sweep(["standard"], [], idle_s, cursor)
        cursor, lost = swept.cursor, lost + swept.lost
        if cursor == "0":
            return lost


async def drop_entries(store: Redis, how: str) -> None:
    """Do what an operator, or a store that lost writes, may."""
    if how == "trimmed":
        await store.xtrim(READY, maxlen=0, approximate=False)
    elif how == "deleted":
        for entry, _ in await command(store, "XRANGE", READY, "-", "+"):
            await command(store, "XDEL", READY, entry)
    else:
        await store.delete(READY)


@pytest.mark.parametrize("how", ["trimmed", "deleted", "gone with its stream"])
@pytest.mark.parametrize("taken", [False, True])
async def test_a_job_whose_entry_has_vanished_ends_once_and_says_why(store: Redis, how: str, taken: bool) -> None:
    async with broker(store) as (worker, gateway):
        job = await submitted(gateway)
        if taken:
            assert await worker.take(["standard"], 1, 1)
        await drop_entries(store, how)
        assert await lost_in(worker) == 1
        record = await gateway.read(Token("p", job))
        assert (record.state, record.seq) == ("failed", 2)
        assert msgspec.json.decode(record.problem)["code"] == "internal_error"
        assert await lost_in(worker) == 0
        assert (await gateway.read(Token("p", job))).seq == 2


async def test_a_job_that_runs_without_its_entry_is_left_to_a_worker_that_renews_its_lease(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        job = await submitted(gateway)
        (entry,) = await worker.take(["standard"], 1, 1)
        (started,) = await worker.start([entry])
        await drop_entries(store, "deleted")
        beat = LeaseRenewal(job, started.fence, entry.tier, entry.entry)
        for _ in range(3):
            assert await worker.beat([beat]) == ["ok"]
            assert await lost_in(worker, 60.0) == 0
        report = AttemptReport(job, started.fence, 1)
        report.outcome = DONE
        assert await worker.report(report) == "ok"
        assert (await gateway.read(Token("p", job))).state == "succeeded"


async def test_a_job_that_runs_nowhere_without_its_entry_ends_after_a_while(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        job = await submitted(gateway)
        (entry,) = await worker.take(["standard"], 1, 1)
        await worker.start([entry])
        await drop_entries(store, "trimmed")
        assert await lost_in(worker) == 0  # noticed: its worker may live
        assert await lost_in(worker) == 0
        await store.hset(KEYS.job("p", job), "vanished", 1)
        assert await lost_in(worker) == 1
        assert (await gateway.read(Token("p", job))).state == "failed"


async def test_a_retry_of_a_job_whose_entry_has_vanished_ends_it(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        job = await submitted(gateway)
        (entry,) = await worker.take(["standard"], 1, 1)
        (started,) = await worker.start([entry])
        await drop_entries(store, "deleted")
        report = AttemptReport(job, started.fence, 1)
        report.outcome = AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=1)
        assert await worker.report(report) == "ok"
        assert (await gateway.read(Token("p", job))).state == "failed"
        assert await store.zcard(KEYS.scheduled("p")) == 0


async def test_a_job_that_fell_out_of_the_schedule_is_put_back_once(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        job = NewJob(new_token("p").id, "k", "standard", "[]", delay_ms=3_600_000, watch=0)
        await gateway.submit("p", job)
        await store.zrem(KEYS.scheduled("p"), job.id)
        assert (await lost_in(worker), await lost_in(worker)) == (1, 0)
        await worker.promote()
        assert [entry.id for entry in await worker.take(["standard"], 5, 1)] == [job.id]


async def test_a_job_that_waits_for_a_place_and_fell_out_of_its_row_is_put_back(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        worker.rules = StartRules(limits={"k": 1})
        for _ in range(2):
            await gateway.submit(
                "p", NewJob(new_token("p").id, "k", "standard", "[]", watch=0, terms=QueueingTerms(limit="k"))
            )
        await worker.start(await worker.take(["standard"], 2, 1))
        assert await store.zcard(KEYS.limited("p", "k")) == 1
        await store.delete(KEYS.limited("p", "k"))
        assert (await lost_in(worker), await lost_in(worker)) == (1, 0)
        assert len(await worker.take(["standard"], 5, 1)) == 1


async def test_jobs_that_lie_where_they_should_are_left_alone(store: Redis) -> None:
    async with broker(store) as (worker, gateway):
        for _ in range(20):
            await submitted(gateway)
            await gateway.submit("p", NewJob(new_token("p").id, "k", "standard", "[]", delay_ms=3_600_000, watch=0))
        await worker.start(await worker.take(["standard"], 5, 1))
        assert await lost_in(worker, 0.0) == 0
        assert await store.xlen(READY) == 20


async def test_the_consumer_of_a_worker_that_was_killed_is_gone_after_a_while() -> None:
    quick = {"TIDINGS_LEASE_S": "0.5", "TIDINGS_HEARTBEAT_S": "0.1", "TIDINGS_SWEEP_S": "1"}
    with running_system(servers=1, workers=2, **quick, TIDINGS_LOG_LEVEL="debug") as system:
        store = open_store(system.store.url)
        stream = KEYS.ready("default", "standard")

        async def names() -> list[str]:
            return [row["name"].decode() for row in await store.xinfo_consumers(stream, GROUP)]

        await until_async(names, lambda found: len(found) >= 2, seconds=20)
        killed, left = system.workers
        killed.signal(signal.SIGKILL)
        begun = time.monotonic()
        await until_async(names, lambda found: len(found) <= 1, seconds=60, pause_s=0.2)
        assert time.monotonic() - begun > 1
        async with peer(system.server.socket_url) as client:
            assert (await client.run("noop"))[-1]["event"] == "succeeded"
        await command(store, "PING")
        await store.aclose()
        assert '"swept"' in left.text(), left.text()
