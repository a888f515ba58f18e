"""What a submit is told of the queue: how long it is, how fast it drains, and when to come again."""

import math
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from redis.asyncio import Redis

from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob, SubmitReply
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

KEYS = StoreKeys()
FLOW = KEYS.flow("p", "standard")


class Place:
    """A gateway and a worker on one partition."""

    def __init__(self, store: Redis) -> None:
        self.store = store
        self.limits: dict[str, Any] = {}

    async def submit(self, count: int = 1, **fields: Any) -> list[SubmitReply]:
        async with JobStore(self.store, KEYS, "g", JobStoreOptions(**self.limits)) as gateway:
            made = [NewJob(new_token("p").id, "k", "standard", "[]", **fields) for _ in range(count)]
            answers: list[Awaitable[SubmitReply]] = [gateway.submit("p", job) for job in made]
            return [await answer for answer in answers]

    async def start(self, count: int) -> None:
        async with AttemptStore(self.store, KEYS, "p", "w") as worker:
            await worker.join(["standard"])
            await worker.start(await worker.take(["standard"], count, 1))

    async def now(self) -> int:
        seconds, micros = await command(self.store, "TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def drains_at(self, rate: float, *, measured_ms_ago: int = 0) -> None:
        since = await self.now() - measured_ms_ago
        await command(self.store, "HSET", FLOW, "since", since, "count", 0, "rate", rate)


@pytest.fixture
def place(store: Redis) -> Place:
    return Place(store)


async def test_the_position_and_the_measured_rate_give_the_time(place: Place) -> None:
    first, second, third = await place.submit(3)
    assert (first.position, first.wait_ms) == (0, 0)
    assert (second.position, second.wait_ms) == (1, -1)  # nobody has measured yet
    await place.drains_at(50)
    (fourth,) = await place.submit()
    assert (fourth.position, fourth.wait_ms) == (3, 60)
    assert third.position == 2


async def test_a_rate_that_no_worker_renews_says_nothing(place: Place) -> None:
    await place.submit(2)
    await place.drains_at(50, measured_ms_ago=31_000)
    assert (await place.submit())[0].wait_ms == -1


async def test_a_full_queue_says_when_a_tenth_of_it_has_drained(place: Place) -> None:
    place.limits = {"max_backlog": 100}
    answers = await place.submit(100)
    assert {answer.answer for answer in answers} == {"new"}
    await place.drains_at(2)
    (refused,) = await place.submit()
    assert (refused.answer, refused.position, refused.wait_ms) == ("full", 100, 5_000)
    assert not await command(place.store, "EXISTS", KEYS.job("p", refused.id))


async def test_one_caller_cannot_fill_the_queue(place: Place) -> None:
    place.limits = {"max_backlog_per_caller": 3}
    answers = await place.submit(4, caller="10.0.0.1")
    assert [answer.answer for answer in answers] == ["new", "new", "new", "crowded"]
    assert (await place.submit(caller="10.0.0.2"))[0].answer == "new"
    assert {answer.answer for answer in await place.submit(9)} == {"new"}  # no caller, no share


async def test_starts_are_measured_while_there_is_a_backlog(place: Place) -> None:
    await place.submit(30)
    await place.start(10)
    assert (await command(place.store, "HGETALL", FLOW)).keys() == {b"since", b"count"}
    # The store's clock cannot be turned: the measurement is made to have begun two seconds ago.
    await command(place.store, "HSET", FLOW, "since", await place.now() - 2_000)
    await place.start(10)
    rate = float(await command(place.store, "HGET", FLOW, "rate"))
    assert math.isclose(rate, 10, rel_tol=0.2)  # 20 starts in two seconds
    assert 0 < await command(place.store, "PTTL", FLOW) <= 3_600_000


async def test_idle_time_is_not_measured(place: Place) -> None:
    await place.submit()
    await place.start(1)
    await command(place.store, "HSET", FLOW, "since", 0)
    await place.submit()  # nothing waits: the measurement starts again
    assert int(await command(place.store, "HGET", FLOW, "since")) > 0


async def test_a_job_for_a_moment_waits_for_it_and_one_for_the_past_does_not(place: Place) -> None:
    soon = int(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    (later,) = await place.submit(at_ms=soon)
    assert later.state == "scheduled"
    assert 3_500_000 < later.wait_ms <= 3_600_000
    assert int(await command(place.store, "ZSCORE", KEYS.scheduled("p"), later.id)) == soon
    assert (await place.submit(at_ms=1))[0].state == "queued"


async def test_a_unique_value_holds_others_off_for_the_time_it_says(place: Place) -> None:
    (first,) = await place.submit(unique="k:1", unique_ms=50)
    (second,) = await place.submit(unique="k:1", unique_ms=50, key="k:0::a", fingerprint="f")
    assert (second.answer, second.id) == ("duplicate", first.id)
    (third,) = await until_async(
        lambda: place.submit(unique="k:1", unique_ms=50),
        lambda made: made[0].answer != "duplicate",
        seconds=10,
        pause_s=0,
    )
    assert third.answer == "new"
    (again,) = await place.submit(unique="k:1", key="k:0::a", fingerprint="f")
    assert again.id == first.id  # the same call, repeated, gets the same job


async def test_a_key_is_remembered_longer_than_the_result_and_its_work_does_not_run_again(place: Place) -> None:
    (first,) = await place.submit(key="a", fingerprint="x")
    await place.start(1)
    await command(place.store, "DEL", KEYS.job("p", first.id))
    (again,) = await place.submit(key="a", fingerprint="x")
    assert (again.answer, again.id, again.state) == ("duplicate", first.id, "unknown")
    (other,) = await place.submit(key="a", fingerprint="y")
    assert (other.answer, other.id) == ("reused", first.id)
    assert await command(place.store, "XLEN", KEYS.ready("p", "standard")) == 1  # the first, which was started
    await command(place.store, "DEL", f"{KEYS.root('p')}key:a")  # the window is over
    assert (await place.submit(key="a", fingerprint="y"))[0].answer == "new"


async def test_a_result_that_is_kept_for_less_than_a_ms_leaves_the_key(place: Place) -> None:
    place.limits = {"result_ttl_s": 0.0001, "dedup_window_s": 3600.0}
    (first,) = await place.submit(key="a", fingerprint="x", delay_ms=60_000)
    async with JobStore(place.store, KEYS, "g", JobStoreOptions(**place.limits)) as gateway:
        assert await gateway.cancel(Token("p", first.id)) == "cancelled"
    with anyio.fail_after(scaled(10)):
        while await command(place.store, "EXISTS", KEYS.job("p", first.id)):
            pass
    (again,) = await place.submit(key="a", fingerprint="x")
    assert (again.answer, again.id) == ("duplicate", first.id)


async def test_the_bytes_of_a_caller_s_unfinished_jobs_are_bounded_exactly(place: Place) -> None:
    place.limits = {"max_backlog_bytes_per_caller": 6}
    first, second, third = await place.submit(3, caller="c", delay_ms=60_000)
    assert [one.answer for one in (first, second, third)] == ["new"] * 3
    (refused,) = await place.submit(caller="c")
    assert (refused.answer, refused.position, refused.seq) == ("heavy", 6, 6)
    assert (await place.submit(caller="d"))[0].answer == "new"
    async with JobStore(place.store, KEYS, "g") as gateway:
        assert await gateway.cancel(Token("p", second.id)) == "cancelled"
    assert await command(place.store, "HGET", KEYS.caller_bytes("p"), "c") == b"4"
    assert (await place.submit(caller="c"))[0].answer == "new"
    assert (await place.submit(caller="c"))[0].answer == "heavy"


async def test_a_duplicate_and_what_was_refused_weigh_nothing(place: Place) -> None:
    place.limits = {"max_backlog_bytes_per_caller": 4, "max_backlog_per_caller": 2}
    for _ in range(3):
        await place.submit(caller="c", key="a", fingerprint="x")
    assert await command(place.store, "HGET", KEYS.caller_bytes("p"), "c") == b"2"
    await place.submit(5, caller="c")
    assert await command(place.store, "HGET", KEYS.caller_bytes("p"), "c") == b"4"


async def test_a_batch_is_cut_by_bytes_too(place: Place) -> None:
    await place.submit()
    before = (await place.store.info("commandstats"))["cmdstat_fcall"]["calls"]
    async with JobStore(place.store, KEYS, "g") as gateway:
        large = [NewJob(new_token("p").id, "k", "standard", "x" * 700_000) for _ in range(4)]
        small = [NewJob(new_token("p").id, "k", "standard", "[]") for _ in range(200)]
        for answer in [gateway.submit("p", job) for job in (*large, *small)]:
            assert (await answer).answer == "new"
    assert (await place.store.info("commandstats"))["cmdstat_fcall"]["calls"] - before == 4
