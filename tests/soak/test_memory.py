"""Memory: when all jobs are done and their results have expired, the store is as it was.

20,000 jobs by default; `make soak-memory` runs 200,000 (`TIDINGS_SOAK_JOBS`).
"""

import os
import time
from collections.abc import AsyncIterator, Awaitable

import msgspec
import pytest
from redis.asyncio import Redis

from support.store import running_store
from support.waiting import until_async
from tidings.protocol.events import EventClass
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.states import State
from tidings.protocol.tokens import new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob, SubmitReply
from tidings.store.keys import GROUP, StoreKeys
from tidings.store.redis.store_client import command, open_store

JOBS = int(os.environ.get("TIDINGS_SOAK_JOBS", "20000"))
BATCH = 200
RESULT_TTL_S = 1.0
EXPIRY_TIMEOUT_S = 120.0

SLACK_BYTES = 400_000
"""What may stay: buffers, and tables that keep their size for a while. Measured: 86 kB. A job that left
no more than twenty bytes behind would show in 20,000 of them."""

LOG_EVERY = 10
"""One job in so many logs, says its progress and has an idempotency key: all kinds of keys take part."""

ENVELOPE = encode_envelope(Envelope(kind="noop", input=msgspec.Raw(b"{}"))).decode()
DONE = AttemptOutcome(State.SUCCEEDED, "result", "1")
PROGRESS = '"event":"progress","status":"running","data":{"done":1}}'
LOG = '"event":"log","status":"running","data":"chunk"}'


@pytest.fixture
async def store() -> AsyncIterator[Redis]:
    """A store of its own: what others left would be measured too."""
    with running_store() as process:
        client = open_store(process.url)
        yield client
        await client.aclose()


class Load:
    """Jobs through the broker, a batch at a time, each of them from its submission to its result."""

    def __init__(self, gateway: JobStore, worker: AttemptStore) -> None:
        self._gateway = gateway
        self._worker = worker
        self.done = 0

    async def run(self, jobs: int) -> None:
        """Do so many more."""
        while jobs > 0:
            await self._batch(min(BATCH, jobs))
            jobs -= BATCH

    async def _batch(self, size: int) -> None:
        answers: list[Awaitable[SubmitReply]] = [self._gateway.submit("p", self._job(n)) for n in range(size)]
        for answer in answers:
            assert (await answer).answer == "new"
        entries = await self._worker.take(["standard"], size, 1_000)
        started = await self._worker.start(entries)
        reports = []
        for number, (entry, start) in enumerate(zip(entries, started, strict=True)):
            report = AttemptReport(entry.id, start.fence, 1)
            report.outcome = DONE
            if number % LOG_EVERY == 0:
                report.events += [(EventClass.PROGRESS, '{"done":1}'), (EventClass.LOG, '"chunk"')]
            reports.append(self._worker.report(report))
        for written in reports:
            assert await written == "ok"
        self.done += len(entries)

    def _job(self, number: int) -> NewJob:
        token = new_token("p")
        key = f"noop:0::{token.id}" if number % LOG_EVERY == 0 else ""
        return NewJob(token.id, "noop", "standard", ENVELOPE, key=key, fingerprint="f" if key else "")


async def used_memory(store: Redis) -> int:
    """Return the bytes that the store's data takes, garbage collected and freed pages given back."""
    await command(store, "SCRIPT", "FLUSH", "SYNC")
    await command(store, "MEMORY", "PURGE")
    return int((await store.info("memory"))["used_memory"])


async def emptied(store: Redis, keys: int) -> None:
    """Return when no more than so many keys are left."""
    await until_async(store.dbsize, lambda found: found <= keys, seconds=EXPIRY_TIMEOUT_S, pause_s=0.1)


@pytest.mark.timeout(900)
async def test_jobs_that_are_done_leave_no_memory_behind(store: Redis) -> None:
    keys = StoreKeys()
    async with (
        JobStore(store, keys, "g", JobStoreOptions(dedup_window_s=RESULT_TTL_S, result_ttl_s=RESULT_TTL_S)) as gateway,
        AttemptStore(store, keys, "p", "w", result_ttl_s=RESULT_TTL_S) as worker,
    ):
        await worker.join(["standard"])
        load = Load(gateway, worker)
        await load.run(BATCH * 5)  # what is made once: the consumer, the scripts, the buffers
        size = 2  # the ready stream, and how fast it drains
        await emptied(store, size)
        before = await used_memory(store)

        load.done = 0
        begun = time.monotonic()
        await load.run(JOBS)
        took = time.monotonic() - begun
        full, most = await store.dbsize(), int((await store.info("memory"))["used_memory_peak"])
        await emptied(store, size)
        after = await used_memory(store)

    print(  # noqa: T201 - the figures are what one runs it for
        f"\n{load.done} jobs in {took:.1f} s ({load.done / took:.0f}/s); used_memory before {before:,}, "
        f"at most {most:,}, after {after:,} ({after - before:+,} bytes, {(after - before) / JOBS:+.2f} a job); "
        f"{full:,} keys at the end, then {size}"
    )
    assert load.done == JOBS
    assert await store.xlen(keys.ready("p", "standard")) == 0
    assert (await store.xpending(keys.ready("p", "standard"), GROUP))["pending"] == 0
    assert await store.dbsize() == size
    assert after - before < SLACK_BYTES
