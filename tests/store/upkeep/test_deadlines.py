"""A deadline is told when it passes, wherever the job waits and whether or not a worker lives; nothing runs late."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
import httpx
import pytest
from redis.asyncio import Redis

from support.system import running_system
from support.timeouts import scaled
from tidings.protocol.states import State
from tidings.protocol.timestamps import whole_ms
from tidings.protocol.tokens import Token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, StartRules
from tidings.store.jobs.job_store import JobStore, NewJob, QueueingTerms
from tidings.store.keys import GROUP, StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes

KEYS = StoreKeys()
JOB = Token("p", "j")
HOUR_MS = 3_600_000
RETRY = AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=2 * HOUR_MS)


class World(NamedTuple):
    store: Redis
    gateway: JobStore
    worker: AttemptStore


@asynccontextmanager
async def world(store: Redis) -> AsyncIterator[World]:
    async with (
        JobStore(store, KEYS, "g") as gateway,
        AttemptStore(store, KEYS, "p", "w", rules=StartRules(limits={"k": 1}, rates={"r": (HOUR_MS, 1)})) as worker,
    ):
        await worker.join(["standard"])
        yield World(store, gateway, worker)


async def submit(here: World, job: str = JOB.id, kind: str = "k", **fields: object) -> None:
    await here.gateway.submit("p", NewJob(job, kind, "standard", f'["{kind}",{{}}]', deadline_ms=HOUR_MS, **fields))  # type: ignore[arg-type]


async def take(here: World) -> None:
    await here.worker.start(await here.worker.take(["standard"], 10, 1))


async def queued(here: World) -> None:
    await submit(here)


async def taken_but_not_started(here: World) -> None:
    await submit(here)
    assert await here.worker.take(["standard"], 1, 1)


async def delayed(here: World) -> None:
    await submit(here, delay_ms=2 * HOUR_MS)


async def over_its_limit(here: World) -> None:
    await submit(here, "first", terms=QueueingTerms(limit="k"))
    await submit(here, terms=QueueingTerms(limit="k"))
    await take(here)


async def over_its_rate(here: World) -> None:
    await submit(here, "first", kind="r")
    await submit(here, kind="r")
    await take(here)


async def in_a_lane(here: World) -> None:
    for number in range(9):
        await submit(here, f"job-{number}", caller="c")
    await submit(here, caller="c")


async def before_a_retry(here: World) -> None:
    await end_attempt(here, held="")


async def parked_at_a_breaker(here: World) -> None:
    await end_attempt(here, held="b")


async def end_attempt(here: World, held: str) -> None:
    await submit(here)
    await take(here)
    report = AttemptReport(JOB.id, 1, 1)
    report.outcome = outcomes.parked_for_breaker(1, held, 2 * 3600.0) if held else RETRY
    assert await here.worker.report(report) == "ok"


async def pass_deadline(store: Redis, job: str = JOB.id, ms_ago: int = 1) -> None:
    seconds, _ = await command(store, "TIME")
    due = int(seconds) * 1000 - ms_ago
    await command(store, "HSET", KEYS.job("p", job), "deadline", due)
    await command(store, "ZADD", KEYS.deadlines("p"), due, job)


PLACES = [
    queued,
    taken_but_not_started,
    delayed,
    over_its_limit,
    over_its_rate,
    in_a_lane,
    before_a_retry,
    parked_at_a_breaker,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("who", ["server", "worker"])
async def test_a_job_ends_at_its_deadline_wherever_it_waits(
    store: Redis, place: Callable[[World], Awaitable[None]], who: str
) -> None:
    async with world(store) as here:
        await place(here)
        await pass_deadline(store)
        before = await here.gateway.read(JOB)
        assert before.state in ("queued", "scheduled")
        if who == "server":
            await here.gateway.expire("p", 100)
        else:
            await here.worker.promote()
        record = await here.gateway.read(JOB)
        assert (record.state, record.seq) == ("expired", before.seq + 1)
        assert await command(store, "ZSCORE", KEYS.deadlines("p"), JOB.id) is None
        assert await command(store, "ZSCORE", KEYS.scheduled("p"), JOB.id) is None
        await take(here)
        assert (await here.gateway.read(JOB)).state == "expired"


async def test_a_deadline_that_has_not_passed_ends_nothing_and_says_when_to_come_again(store: Redis) -> None:
    async with world(store) as here:
        assert await here.gateway.expire("p", 100) == -1
        await submit(here)
        assert HOUR_MS - 60_000 < await here.gateway.expire("p", 100) <= HOUR_MS
        assert (await here.gateway.read(JOB)).state == "queued"


async def test_a_job_without_a_deadline_is_in_no_list_of_them(store: Redis) -> None:
    async with world(store) as here:
        await here.gateway.submit("p", NewJob(JOB.id, "k", "standard", "[]"))
        assert await command(store, "EXISTS", KEYS.deadlines("p")) == 0


async def test_one_that_runs_is_left_to_its_worker_and_ends_when_that_is_lost(store: Redis) -> None:
    async with world(store) as here:
        await queued(here)
        await take(here)
        await pass_deadline(store, ms_ago=HOUR_MS)
        await here.gateway.expire("p", 100)
        assert (await here.gateway.read(JOB)).state == "running"
        entry = await command(store, "HGET", KEYS.job("p", JOB.id), "entry")
        stream = KEYS.ready("p", "standard")
        await command(store, "XCLAIM", stream, GROUP, "w", 0, entry, "IDLE", 120_000)
        await pass_deadline(store, ms_ago=HOUR_MS)
        await here.gateway.expire("p", 100)
        assert (await here.gateway.read(JOB)).state == "expired"


async def test_a_saga_that_owes_something_unwinds_at_its_deadline(store: Redis) -> None:
    async with world(store) as here:
        await queued(here)
        await command(store, "HSET", KEYS.job("p", JOB.id), "saga", 1, "owed", 1)
        await pass_deadline(store)
        await here.gateway.expire("p", 100)
        assert (await here.gateway.read(JOB)).state == "queued"
        assert await command(store, "HGET", KEYS.job("p", JOB.id), "unwinding") == b"expired"
        await here.gateway.expire("p", 100)
        assert (await here.gateway.read(JOB)).state == "queued"


@pytest.mark.parametrize(
    ("seconds", "ms"),
    [(0, 0), (5e-324, 1), (0.0001, 1), (0.0005, 1), (0.001, 1), (0.0011, 2), (0.057, 57), (2.3, 2300)],
)
def test_seconds_are_rounded_up_to_ms(seconds: float, ms: int) -> None:
    assert whole_ms(seconds) == ms


async def test_with_no_worker_at_all_the_deadline_is_told_when_it_passes() -> None:
    with running_system(servers=2, workers=1) as system:
        system.workers[0].close()
        async with httpx.AsyncClient(base_url=system.server.url, timeout=60) as http:
            for deadline, extra in ((0.3, {}), (0.3, {"delay": 3600}), (1e-9, {})):
                body = {"kind": "noop", "input": {}, "deadline": deadline, **extra}
                with anyio.fail_after(scaled(20)):
                    answer = await http.post("/v1/jobs", json=body, headers={"prefer": "wait=60"})
                assert (answer.status_code, answer.json()["status"]) == (200, "expired"), answer.text
            for wrong in (0, -1, -1e-9):
                answer = await http.post("/v1/jobs", json={"kind": "noop", "input": {}, "deadline": wrong})
                assert answer.status_code == 400
                assert answer.json()["field"] == "/deadline"
