"""The schedule of a partition: workers hear of what comes first in it, and of nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from support.stores.channels import subscribe
from support.timeouts import scaled
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, NextRun, StartRules
from tidings.store.jobs.job_store import QueueingTerms
from tidings.store.redis.store_client import command, store_of
from tidings_worker.outcome import outcomes
from tiers.place import KEYS, RETRY, TIER, Place, place_in

SCHEDULED = KEYS.scheduled("p")
FENCE = b"kind fence"
RULES = StartRules(limits={"limited": 1}, rates={"paced": (40_000.0, 1)})
WAYS = ("submit", "retry", "turn", "deadline", "breaker", "release", "recur", "cancel", "lose", "come", "begin", "die")


class Announcements:
    """What the workers of the partition hear."""

    def __init__(self, store: Redis, heard: PubSub) -> None:
        self._store = store
        self._heard = heard

    async def new(self) -> list[bytes]:
        """Return what was announced since the last time."""
        await store_of(self._store).tell(KEYS.due("p"), FENCE.decode())
        found: list[bytes] = []
        with anyio.fail_after(scaled(10)):
            async for message in self._heard.listen():
                if message["type"].endswith("message"):
                    if message["data"] == FENCE:
                        return found
                    found.append(message["data"])
        raise AssertionError("the subscription has ended")


@asynccontextmanager
async def announced(store: Redis) -> AsyncIterator[tuple[Place, Announcements]]:
    await store.flushall()
    async with place_in(store, RULES) as place, store.pubsub() as heard:
        await subscribe(heard, store, KEYS.due("p"))
        hearing = Announcements(store, heard)
        await hearing.new()  # the subscription is there
        yield place, hearing


async def test_only_what_is_due_before_all_others_is_announced(store: Redis) -> None:
    async with announced(store) as (place, hearing):
        await place.submit(20, delay_ms=60_000)
        assert len(await hearing.new()) == 1
        await place.submit(20, delay_ms=90_000)
        assert await hearing.new() == []
        (first,) = await place.submit(1, delay_ms=30_000)
        due = int(await command(store, "ZSCORE", SCHEDULED, first.id))
        assert await hearing.new() == [str(due).encode()]
        await submit_at_once(place, 20_000, 10_000, 15_000)
        assert len(await hearing.new()) == 1


async def test_many_children_that_end_at_once_are_announced_once(store: Redis) -> None:
    async with announced(store) as (place, hearing):
        parent = f"p.{new_token('p').id} 0"
        await place.submit(30, parent=parent, deadline_ms=1)
        await hearing.new()
        while await command(store, "XLEN", KEYS.outbox("p")) < 30:
            await place.first.promote()
        said = await hearing.new()
        assert set(said) == {b"0"}
        assert len(said) < 5, "once for each call"


async def submit_at_once(place: Place, *delays_ms: int) -> None:
    """Submit jobs with one call of the script."""
    await asyncio.gather(*(place.submit(1, delay_ms=delay_ms) for delay_ms in delays_ms))


class Walk:
    """Workers that know the schedule by what the store answers and announces, while jobs come and go."""

    def __init__(self, place: Place, hearing: Announcements) -> None:
        self.place = place
        self.hearing = hearing
        self.wakes = [inf, inf]
        """When each worker looks at the schedule by itself, ms since the epoch."""
        self._ticks = 0

    async def act(self, way: str, number: int) -> None:
        """Do something in a way, with a number from 1 to 9, of which delays and places are made."""
        delay_ms = number * 50_000
        match way:
            case "submit":
                await submit_at_once(self.place, delay_ms, 500_000 - delay_ms)
            case "retry":
                await self._run(AttemptOutcome(RETRY.state, "problem", "{}", "retrying", delay_ms=delay_ms))
            case "breaker":
                await self._run(outcomes.parked_for_breaker(1, "x", delay_ms / 1000))
            case "release":
                await self.place.first.release("x", 1)
            case "turn":
                await self.place.submit(2, kind="paced")
                await self.place.take(9)
            case "deadline":
                terms = QueueingTerms(limit="limited")
                await self.place.submit(2, kind="limited", terms=terms, deadline_ms=delay_ms)
                await self.place.take(9)
            case "recur":
                self._ticks += 1
                tick = await self.place.now() + delay_ms
                run = NextRun(f"r{number}", tick, str(self._ticks), new_token("p").id, TIER, "[]")
                await self.place.first.recur([run])
            case "begin":
                self.wakes.append(await self._look())
            case "die" if len(self.wakes) > 1:
                self.wakes.pop(number % len(self.wakes))
            case "cancel" | "lose" | "come":
                await self._touch(way, number)

    async def _touch(self, way: str, number: int) -> None:
        """Do something to a job of the schedule."""
        store = self.place.store
        jobs = [name.decode() for name in await command(store, "ZRANGE", SCHEDULED, 0, -1)]
        if not jobs:
            return
        job = jobs[number % len(jobs)]
        if way == "cancel":
            await self.place.gateway.cancel(Token("p", job))
        elif way == "lose":
            await command(store, "ZREM", SCHEDULED, job)
            await self.place.first.sweep([TIER], [], 3600, "0")
        else:  # the store's clock cannot be turned: the first job's time is made to have come, and all workers wake
            await command(store, "ZADD", SCHEDULED, 1, jobs[0])
            self.wakes = [await self._look() for _ in self.wakes]

    async def _run(self, outcome: AttemptOutcome) -> None:
        await self.place.submit(1)
        for held in await self.place.take(9):
            await self.place.end(held, outcome)

    async def hear(self) -> None:
        """Have each worker look where something was announced."""
        for _ in {*await self.hearing.new()} - {b"0"}:
            self.wakes = [await self._look() for _ in self.wakes]

    async def _look(self) -> float:
        now = await self.place.now()
        while True:
            moved, wait_ms = await self.place.first.promote()
            if not moved:
                return inf if wait_ms < 0 else now + wait_ms

    async def check(self) -> None:
        """No job is due before each worker wakes."""
        first = await command(self.place.store, "ZRANGE", SCHEDULED, 0, 0, "WITHSCORES")
        due = float(first[1]) if first else inf
        assert all(wake <= due + 1 for wake in self.wakes), (self.wakes, due)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(st.sampled_from(WAYS), st.integers(1, 9)), min_size=6, max_size=20))
async def test_no_job_is_due_before_each_worker_that_lives_wakes(store: Redis, steps: list[tuple[str, int]]) -> None:
    async with announced(store) as (place, hearing):
        walk = Walk(place, hearing)
        for way, number in steps:
            await walk.act(way, number)
            await walk.hear()
            await walk.check()
