"""Jobs that wait in the schedule for a breaker, and are let in when it closes."""

import asyncio
from collections.abc import AsyncIterator
from math import log2

import pytest
from redis.asyncio import Redis

from tidings.protocol.states import State
from tidings.protocol.tokens import new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes

HELD, SCHEDULED = StoreKeys().held("p", "x"), StoreKeys().scheduled("p")
LATER = AttemptOutcome(State.SCHEDULED, event="retrying", delay_ms=600_000)


class World:
    """A queue with a gateway and a worker."""

    def __init__(self, store: Redis, gateway: JobStore, worker: AttemptStore) -> None:
        self.store = store
        self.gateway = gateway
        self.worker = worker

    async def submit(self, count: int) -> None:
        jobs = [NewJob(new_token("p").id, "k", "normal", '["k",{}]', watch=0) for _ in range(count)]
        await asyncio.gather(*(self.gateway.submit("p", job) for job in jobs))

    async def run(self, outcome: AttemptOutcome, count: int) -> list[str]:
        """Have so many jobs run and end so; return their ids."""
        entries = await self.worker.take(["normal"], count, 1000)
        started = await self.worker.start(entries)
        reports = []
        for entry, begun in zip(entries, started, strict=True):
            report = AttemptReport(entry.id, begun.fence, 1)
            report.outcome = outcome
            reports.append(self.worker.report(report))
        assert set(await asyncio.gather(*reports)) == {"ok"}
        return [entry.id for entry in entries]

    async def due(self) -> dict[str, float]:
        """Return the schedule."""
        row = await command(self.store, "ZRANGE", SCHEDULED, 0, -1, "WITHSCORES")
        return {id_.decode(): float(at) for id_, at in zip(row[::2], row[1::2], strict=True)}

    async def now(self) -> float:
        seconds, micros = await command(self.store, "TIME")
        return int(seconds) * 1000 + int(micros) / 1000


@pytest.fixture
async def world(store: Redis) -> AsyncIterator[World]:
    ready: asyncio.Future[World] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def host() -> None:  # a task group must be left by the task that entered it
        async with JobStore(store, StoreKeys(), "g") as gateway, AttemptStore(store, StoreKeys(), "p", "w") as worker:
            await worker.join(["normal"])
            ready.set_result(World(store, gateway, worker))
            await done.wait()

    task = asyncio.create_task(host())
    yield await ready
    done.set()
    await task


async def test_they_use_no_attempt_and_come_in_slowly_in_their_order(world: World) -> None:
    await world.submit(200)
    ids = await world.run(outcomes.parked_for_breaker(1, "x", 600), 200)
    attempts = [await command(world.store, "HGET", StoreKeys().job("p", id_), "attempt") for id_ in ids]
    assert set(attempts) == {b"0"}
    assert await world.worker.release("x", 5, 150) == 150
    assert await world.worker.release("x", 5, 150) == 50
    now, due = await world.now(), await world.due()
    # 16 in the first second, 32 in the next, and so on: so many ms after the first.
    for place, at in enumerate(sorted(due.values())):
        assert now - 5_000 <= at - 1000 * log2(1 + place / 16) <= now + 1
    assert sum(at <= min(due.values()) + 1_000 for at in due.values()) == 17
    assert await world.worker.release("x", 5) == 0


async def test_under_another_epoch_the_slow_start_begins_again(world: World) -> None:
    await world.submit(20)
    for epoch in (5, 7):
        await world.run(outcomes.parked_for_breaker(1, "x", 600), 10)
        await world.worker.release("x", epoch)
        now = await world.now()
        assert sum(at <= now for at in (await world.due()).values()) >= 1
        await world.worker.promote()


async def test_one_that_waits_for_something_else_by_now_is_left_alone(world: World) -> None:
    await world.submit(1)
    (id_,) = await world.run(outcomes.parked_for_breaker(1, "x", 0.001), 1)
    while not (await world.worker.promote())[0]:
        pass
    assert await world.run(LATER, 1) == [id_]
    at = (await world.due())[id_]
    assert await world.worker.release("x", 1) == 1
    assert (await world.due())[id_] == at


async def test_one_that_was_cancelled_stays_so(world: World) -> None:
    await world.submit(1)
    (id_,) = await world.run(outcomes.parked_for_breaker(1, "x", 600), 1)
    assert await command(world.store, "HGET", StoreKeys().job("p", id_), "state") == b"scheduled"
    await command(world.store, "ZREM", SCHEDULED, id_)
    assert await world.worker.release("x", 1) == 1
    assert await world.due() == {}


async def test_the_row_holds_none_whose_time_has_come_and_leaves_by_itself(world: World) -> None:
    await world.submit(2)
    await world.run(outcomes.parked_for_breaker(1, "x", 0.001), 1)
    while not (await world.worker.promote())[0]:
        pass
    await world.run(outcomes.parked_for_breaker(1, "x", 600), 1)
    assert await command(world.store, "ZCARD", HELD) == 1
    assert 0 < await command(world.store, "PTTL", HELD) <= 86_400_000


async def test_a_retry_of_a_job_without_a_breaker_stands_in_no_row(world: World) -> None:
    await world.submit(1)
    await world.run(LATER, 1)
    assert await command(world.store, "KEYS", StoreKeys().held("p", "*")) == []
