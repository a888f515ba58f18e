"""One run for each tick, however many workers ask for it."""

import asyncio

from redis.asyncio import Redis

from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptStore, NextRun
from tidings.store.jobs.job_store import JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

KEYS = StoreKeys()
FAR = 9_999_999_999_000


def run(tick: int, spec: str = "every 1000", kind: str = "k") -> NextRun:
    return NextRun(kind, tick, spec, new_token("p").id, "standard", '["k",{}]', f"tick:{tick}")


async def in_schedule(store: Redis) -> dict[str, int]:
    found = await command(store, "ZRANGE", KEYS.scheduled("p"), 0, -1, "WITHSCORES")
    return {job.decode(): int(due) for job, due in zip(found[::2], found[1::2], strict=True)}


async def test_the_first_who_names_a_tick_makes_its_run(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w1") as one, AttemptStore(store, KEYS, "p", "w2") as two:
        answers = await asyncio.gather(*(worker.recur([run(FAR)]) for worker in (one, two) * 10))
        assert {tick for _, tick in answers} == {FAR}
        assert list((await in_schedule(store)).values()) == [FAR]
        await one.recur([run(FAR + 1000), run(FAR, kind="other")])
        assert sorted((await in_schedule(store)).values()) == [FAR, FAR, FAR + 1000]
        _, earliest = await two.recur([run(FAR + 1000), run(FAR, kind="other")])
        assert earliest == FAR
        assert len(await in_schedule(store)) == 3


async def test_another_schedule_takes_the_place_of_the_run_that_has_not_begun(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w") as worker, JobStore(store, KEYS, "g") as gateway:
        await worker.recur([run(FAR + 5000)])
        (before,) = await in_schedule(store)
        await worker.recur([run(FAR, "every 500")])
        assert list((await in_schedule(store)).values()) == [FAR]
        assert not (await gateway.read(Token("p", before))).state
        await worker.recur([run(0, "")])  # it recurs no longer
        assert await in_schedule(store) == {}
        assert not await store.exists(KEYS.recurring("p"))


async def test_a_run_that_has_begun_is_left_alone(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w") as worker:
        await worker.join(["standard"])
        await worker.recur([run(1)])  # due at once
        assert (await worker.promote())[0] == 1
        (started,) = await worker.start(await worker.take(["standard"], 1, 1))
        assert started.go
        await worker.recur([run(0, "")])
        assert await store.xlen(KEYS.ready("p", "standard")) == 1


async def test_another_schedule_does_not_repeat_a_tick_whose_run_has_begun(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w") as worker:
        await worker.recur([run(1)])
        assert (await worker.promote())[0] == 1
        _, earliest = await worker.recur([run(1, "every 500")])  # a call that took its time
        assert earliest == 1
        assert await in_schedule(store) == {}
        await worker.recur([run(FAR, "every 500")])
        assert list((await in_schedule(store)).values()) == [FAR]


async def test_a_run_that_a_client_cancelled_does_not_hold_back_another_schedule(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w") as worker, JobStore(store, KEYS, "g") as gateway:
        await worker.recur([run(FAR + 5000)])
        (before,) = await in_schedule(store)
        await gateway.cancel(Token("p", before), "")
        await worker.recur([run(FAR, "every 500")])
        assert list((await in_schedule(store)).values()) == [FAR]


async def test_the_store_s_time_comes_with_the_answer(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w") as worker:
        now, tick = await worker.recur([])
        seconds, _ = await store.time()
        assert abs(now / 1000 - seconds) < 60
        assert tick == -1


async def test_a_run_that_waits_for_its_retry_is_not_taken_back(store: Redis) -> None:
    async with AttemptStore(store, KEYS, "p", "w") as worker:
        await worker.recur([run(FAR)])
        (job,) = await in_schedule(store)
        await command(store, "HSET", KEYS.job("p", job), "attempt", 1)  # as after a failed attempt
        await worker.recur([run(0, "")])
        assert list(await in_schedule(store)) == [job]
