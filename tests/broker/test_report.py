"""What a report may change: once, by the worker that holds the job, and nothing against a wish to cancel."""

import msgspec
import pytest
from redis.asyncio import Redis

from support.queued import one_job
from tidings.protocol.states import State
from tidings.store.attempt_store import AttemptOutcome, LeaseRenewal
from tidings.store.keys import GROUP, StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.redis.store_clock import store_ms
from tidings_worker import outcomes

RETRY = AttemptOutcome(State.SCHEDULED, "", "", '"event":"retrying","status":"scheduled","data":{}}', delay_ms=60_000)
READY = StoreKeys().ready("p", "standard")


async def test_a_start_that_is_asked_for_twice_has_its_milestones_of_the_first_time(store: Redis) -> None:
    async with one_job(store) as job:
        entries, call = await job.first.take(["standard"], 1, 1), job.first.new_call()
        (first,) = await job.first.start(entries, call)
        while await store_ms(store) <= first.started_ms:
            pass  # the store's clock moves on
        (again,) = await job.first.start(entries, call)
        assert again == first
        record = await job.gateway.watch(job.token)
        assert (record.started, record.attempt) == (str(first.started_ms), "1")


async def test_a_report_that_is_sent_twice_counts_once(store: Redis) -> None:
    async with one_job(store) as job:
        report = job.report((await job.start()).fence)
        assert [await job.first.report(report) for _ in range(2)] == ["ok", "done"]
        record = await job.gateway.watch(job.token)
        assert (record.seq, len(record.chunks)) == ("3", 1)
        report = job.report(report.fence, 2)
        report.outcome = outcomes.succeeded(b"1")
        assert [await job.first.report(report) for _ in range(2)] == ["ok", "done"]
        record = await job.gateway.watch(job.token)
        assert (record.state, record.seq, len(record.chunks)) == ("succeeded", "5", 2)


async def test_a_worker_that_was_taken_for_dead_changes_nothing(store: Redis) -> None:
    async with one_job(store) as job:
        stale = (await job.start()).fence
        held = await job.take_over()
        before = await job.record()
        report = job.report(stale)
        report.outcome = outcomes.succeeded(b"1")
        assert await job.first.report(report) == "lost"
        assert await job.first.beat([LeaseRenewal(job.id, stale, held.tier, held.entry)]) == ["lost"]
        (pending,) = await store.xpending_range(READY, GROUP, "-", "+", 10)
        assert pending["consumer"] == b"w2"
        assert msgspec.structs.astuple(await job.record()) == msgspec.structs.astuple(before)


@pytest.mark.parametrize("again", [RETRY, outcomes.handed_back()], ids=["retried", "handed back"])
async def test_a_wish_to_cancel_comes_before_another_attempt(store: Redis, again: AttemptOutcome) -> None:
    async with one_job(store) as job:
        report = job.report((await job.start()).fence)
        assert await job.gateway.cancel(job.token) == "asked"
        report.outcome = again
        assert await job.first.report(report) == "cancel"
        assert (await job.record()).state == "cancelled"
        for key in (READY, StoreKeys().scheduled("p")):
            assert await command(store, "EXISTS", key) == 0 or await command(store, "XLEN", key) == 0


async def test_an_outcome_comes_before_a_wish_to_cancel(store: Redis) -> None:
    async with one_job(store) as job:
        report = job.report((await job.start()).fence)
        await job.gateway.cancel(job.token)
        report.outcome = outcomes.succeeded(b"1")
        await job.first.report(report)
        assert (await job.record()).state == "succeeded"
