"""The chronicle: what the scripts write of jobs that end, and what is read of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from dead.world import World
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.states import State
from tidings.protocol.tokens import Token
from tidings.store.admin.finished_jobs import FinishedJobs, read_finished_jobs
from tidings.store.answers import StartAnswer
from tidings.store.attempts.attempt_records import history_text
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, ReadyEntry, Started
from tidings.store.jobs.job_store import JobStore, JobStoreOptions
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

KEYS = StoreKeys()
DONE = AttemptOutcome(State.SUCCEEDED, "result", "1")


@asynccontextmanager
async def running_world(store: Redis, keep: int) -> AsyncIterator[World]:
    async with (
        JobStore(store, KEYS, "g", JobStoreOptions(chronicle=keep)) as gateway,
        AttemptStore(store, KEYS, "p", "w1", chronicle=keep) as first,
        AttemptStore(store, KEYS, "p", "w2", chronicle=keep) as second,
    ):
        await first.join(["standard"])
        yield World(store, gateway, [first, second])


async def run(world: World, count: int, *, said: bool = True) -> None:
    """Have jobs come and succeed, all of them in one batch; said: their worker says what is kept."""
    await asyncio.gather(*(world.submit(correlation_id=f"order {number}") for number in range(count)))
    entries: list[ReadyEntry] = await world.first.take(["standard"], count, 1000)
    started = await world.first.start(entries)
    reports = [AttemptReport(entry.id, one.fence, 1) for entry, one in zip(entries, started, strict=True)]
    for number, report in enumerate(reports):
        report.outcome = DONE
        if said:
            envelope = Envelope("k", msgspec.Raw(b"{}"), correlation_id=f"order {number}")
            report.history = history_text(entries[number].tier, envelope, started[number], world.first.worker)
    assert await asyncio.gather(*map(world.first.report, reports)) == ["ok"] * count


async def entries(store: Redis) -> int:
    found: int = await command(store, "XLEN", KEYS.chronicle("p"))
    return found


@pytest.mark.parametrize("said", [True, False])
async def test_what_ends_in_one_call_is_one_entry_with_all_that_is_told(store: Redis, said: bool) -> None:
    async with running_world(store, 1000) as world:
        await run(world, 3, said=said)
        assert await entries(store) == 1
        chronicle = FinishedJobs(store, KEYS, 1000)
        await chronicle.catch_up(["p"])
        jobs = list(chronicle.newest_first("p"))
        assert [job.number for job in jobs] == [3, 2, 1]
        for job in jobs:
            record = await world.record(Token("p", job.id))
            assert (job.state, job.kind, job.tier, job.attempt, job.worker) == ("succeeded", "k", "standard", "1", "w1")
            assert job.correlation_id.startswith("order ")
            assert [int(ms) for ms in (job.submitted, job.enqueued, job.started)] == [
                record.submitted, record.enqueued, record.started,
            ]  # fmt: skip
            assert job.finished == record.finished
            assert job.total == pytest.approx((job.wait or 0) + (job.run or 0), abs=0.002)


@pytest.mark.parametrize(("owner", "tags"), [("", ""), ("alice", ""), ("alice", "blue green"), ("", "blue")])
def test_a_worker_says_of_a_job_what_is_read_of_it(owner: str, tags: str) -> None:
    started = Started(StartAnswer.RUN, 2, 1, 0, submitted_ms=1000, lost=0, waited_ms=20, started_ms=1500)
    envelope = Envelope("k", msgspec.Raw(b"{}"), correlation_id="order 1", owner=owner, tags=tags)
    text = history_text("standard", envelope, started, "host 1")
    (job,) = read_finished_jobs(msgspec.msgpack.encode([f"{'a' * 22}\x1fsucceeded\x1f{text}"]), "p", 1700, 1)
    assert (job.tier, job.kind, job.correlation_id) == ("standard", "k", "order 1")
    assert int(job.attempt) == 1
    assert [int(ms) for ms in (job.submitted, job.enqueued, job.started)] == [1000, 1480, 1500]
    assert (job.worker, job.owner, job.tags) == ("host 1", owner, tags)


async def test_every_way_to_end_is_told(store: Redis) -> None:
    async with running_world(store, 1000) as world:
        failed = await world.die()
        cancelled = await world.submit()
        await world.gateway.cancel(cancelled)
        expired = await world.submit(delay_ms=1, deadline_ms=1)
        while not (await world.record(expired)).finished:
            await world.first.promote()
        chronicle = FinishedJobs(store, KEYS, 1000)
        await chronicle.catch_up(["p"])
        told = {job.token: job.state for job in chronicle.newest_first("p")}
        assert told == {str(failed): "failed", str(cancelled): "cancelled", str(expired): "expired"}
        waits = {job.state: job.wait for job in chronicle.newest_first("p")}
        assert waits["cancelled"] is None


async def test_nothing_is_written_where_none_is_kept(store: Redis) -> None:
    async with running_world(store, 0) as world:
        await run(world, 2)
        assert await entries(store) == 0
        assert await command(store, "EXISTS", KEYS.ended("p")) == 0


async def test_it_is_cut_by_jobs_however_many_an_entry_holds(store: Redis) -> None:
    async with running_world(store, 200) as world:
        for count in (300, 300, 300, 300, 300, 1):
            await run(world, count)
        chronicle = FinishedJobs(store, KEYS, 200)
        await chronicle.catch_up(["p"])
        assert len(list(chronicle.newest_first("p"))) == 200
        assert chronicle.reaches_back("p") is not None
        assert int(await command(store, "GET", KEYS.ended("p"))) == 1501
        # Nodes of the stream are dropped whole; an entry of so many jobs is one.
        assert await entries(store) <= 3


async def test_one_who_follows_reads_only_what_is_new_and_notices_a_store_that_forgot(store: Redis) -> None:
    async with running_world(store, 1000) as world:
        chronicle = FinishedJobs(store, KEYS, 1000)
        await run(world, 2)
        await chronicle.catch_up(["p"])
        before = await ranges(store)
        await chronicle.catch_up(["p"])
        assert await ranges(store) == before
        await run(world, 1)
        await chronicle.catch_up(["p"])
        assert await ranges(store) == before + 1
        assert [job.number for job in chronicle.newest_first("p")] == [3, 2, 1]
        await command(store, "DEL", KEYS.chronicle("p"), KEYS.ended("p"))
        await run(world, 1)
        await chronicle.catch_up(["p"])
        assert [job.number for job in chronicle.newest_first("p")] == [1]


async def test_a_counter_that_was_lost_is_no_reason_why_a_job_cannot_end(store: Redis) -> None:
    async with running_world(store, 1000) as world:
        await run(world, 5)
        await command(store, "DEL", KEYS.ended("p"))
        await run(world, 1)  # what stands in the stream is of a higher number: it is begun anew
        await run(world, 1)
        chronicle = FinishedJobs(store, KEYS, 1000)
        await chronicle.catch_up(["p"])
        assert [job.number for job in chronicle.newest_first("p")] == [2]


async def ranges(store: Redis) -> int:
    stats: Any = await store.info("commandstats")
    found: int = stats.get("cmdstat_xrange", {"calls": 0})["calls"]
    return found
