"""What a report may change: once, by the worker that holds the job, and nothing against a wish to cancel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from support.queued import one_job
from support.stores.channels import subscribe
from support.timeouts import scaled
from tidings.protocol.events import EventClass
from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, LeaseRenewal
from tidings.store.keys import GROUP, StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.redis.store_clock import store_ms
from tidings_worker.outcome import outcomes

RETRY = AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=60_000)
READY = StoreKeys().ready("p", "standard")


class Inbox:
    """The frames that a gateway gets."""

    def __init__(self, inbox: PubSub) -> None:
        self._inbox = inbox
        self._frames: list[str] = []

    async def get(self) -> str:
        """Wait for the next frame."""
        while not self._frames:
            message = await self._inbox.get_message(ignore_subscribe_messages=True, timeout=scaled(10))
            self._frames += [frame for *_, frame in msgspec.msgpack.decode(message["data"])] if message else []
        return self._frames.pop(0)


@asynccontextmanager
async def heard_by(store: Redis, gateway: str = "g") -> AsyncIterator[Inbox]:
    """Listen to what a gateway gets from now on."""
    async with store.pubsub() as inbox:
        await subscribe(inbox, store, StoreKeys().inbox("p", gateway))
        assert (await inbox.get_message(timeout=scaled(10)))["type"].endswith("subscribe")
        yield Inbox(inbox)


async def test_a_start_that_is_asked_for_twice_has_its_milestones_of_the_first_time(store: Redis) -> None:
    async with one_job(store) as job:
        entries, call = await job.first.take(["standard"], 1, 1), job.first.new_call()
        (first,) = await job.first.start(entries, call)
        while await store_ms(store) <= first.started_ms:
            pass  # the store's clock moves on
        (again,) = await job.first.start(entries, call)
        assert again == first
        record = await job.gateway.watch(job.token)
        assert (record.started, record.attempt) == (first.started_ms, 1)


async def test_a_report_that_is_sent_twice_counts_once(store: Redis) -> None:
    async with one_job(store) as job:
        report = job.report((await job.start()).fence)
        assert [await job.first.report(report) for _ in range(2)] == ["ok", "done"]
        record = await job.gateway.watch(job.token)
        assert (record.seq, len(record.chunks)) == (3, 1)
        report = job.report(report.fence, 2)
        report.outcome = outcomes.succeeded(b"1")
        assert [await job.first.report(report) for _ in range(2)] == ["ok", "done"]
        record = await job.gateway.watch(job.token)
        assert (record.state, record.seq, len(record.chunks)) == ("succeeded", 5, 2)


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


BUSY = problem("handler_error", "busy")
BUSY_JSON = msgspec.json.encode(BUSY).decode()
OPEN = outcomes.parked_for_breaker(1, "bank", 1.5)


@pytest.mark.parametrize(
    ("outcome", "tail"),
    [
        (outcomes.succeeded(b'{"a":[1]}'), '"event":"succeeded","status":"succeeded","data":{"result":{"a":[1]}}}'),
        (outcomes.failed(BUSY), f'"event":"failed","status":"failed","data":{{"problem":{BUSY_JSON}}}}}'),
        (outcomes.cancelled(), '"event":"cancelled","status":"cancelled","data":{}}'),
        (outcomes.expired(), '"event":"expired","status":"expired","data":{}}'),
        (outcomes.handed_back(), '"event":"queued","status":"queued","data":{}}'),
        (outcomes.waiting(-1, 0, ""), '"event":"waiting","status":"waiting","data":{}}'),
        (
            outcomes.not_served("k", 1),
            '"event":"queued","status":"queued","data":{"waits_for":"a worker that serves k"}}',
        ),
        (
            AttemptOutcome(State.SCHEDULED, "problem", BUSY_JSON, "retrying", '"attempt":1,"after":0.5', delay_ms=500),
            f'"event":"retrying","status":"scheduled","data":{{"attempt":1,"after":0.5,"problem":{BUSY_JSON}}}}}',
        ),
        (OPEN, f'"event":"retrying","status":"scheduled","data":{{{OPEN.data}}}}}'),
    ],
)
async def test_the_store_makes_the_frame_of_an_outcome(store: Redis, outcome: AttemptOutcome, tail: str) -> None:
    async with one_job(store) as job, heard_by(store) as frames:
        report = AttemptReport(job.id, (await job.start()).fence, 1)
        report.outcome = outcome
        assert await job.first.report(report) == "ok"
        assert await frames.get() != ""  # started
        frame = await frames.get()
        head = f'{{"type":"event","token":"{job.token}","seq":3,"at":"'
        assert (frame[: len(head)], frame[-len(tail) - 1 :]) == (head, f",{tail}")


async def test_the_store_makes_the_frames_of_what_a_handler_says(store: Redis) -> None:
    async with one_job(store) as job, heard_by(store) as frames:
        report = AttemptReport(job.id, (await job.start()).fence, 1)
        report.events += [(EventClass.LOG, '"a"'), (EventClass.PROGRESS, "1"), (EventClass.PROGRESS, "2")]
        assert await job.first.report(report) == "ok"
        told = [await frames.get() for _ in range(4)][1:]
        assert [frame[frame.index(',"event"') + 1 :] for frame in told] == [
            '"event":"log","status":"running","data":"a"}',
            '"event":"progress","status":"running","data":1}',
            '"event":"progress","status":"running","data":2}',
        ]
        record = await job.record()
        assert (record.progress, [text for _, _, text in record.chunks]) == ("2", ['"a"'])


@pytest.mark.parametrize(("size", "whole"), [(65_000, True), (65_536, False), (70_000, False)])
async def test_a_frame_that_is_too_large_is_not_published_and_the_record_has_it(
    store: Redis, size: int, whole: bool
) -> None:
    async with one_job(store) as job, heard_by(store) as frames:
        report = AttemptReport(job.id, (await job.start()).fence, 1)
        report.outcome = outcomes.succeeded(b'"' + b"x" * (size - 2) + b'"')
        await job.first.report(report)
        assert [bool(await frames.get()), bool(await frames.get())] == [True, whole]
        assert len((await job.record()).result_json) == size
