"""Limits and rates over all workers: exact, whatever becomes of a job; who has to wait costs no worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from support.waiting import until_async
from tidings.protocol.tokens import Token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.attempts.attempt_store import StartRules
from tidings.store.jobs.job_store import QueueingTerms, SubmitReply
from tidings.store.keys import GROUP
from tidings.store.redis.store_client import command
from tiers.place import BACK, DONE, FAILED, FLOW, KEYS, READY, RETRY, TIER, Held, Place, place_in

LIMIT = KEYS.limit("p", "k")
LIMITED = KEYS.limited("p", "k")
HOUR_MS = 3_600_000


@asynccontextmanager
async def limited_to(store: Redis, limit: int) -> AsyncIterator[Place]:
    async with place_in(store, StartRules(limits={"k": limit})) as place:
        yield place


async def submit(place: Place, count: int, limit: str = "k", **fields: Any) -> list[SubmitReply]:
    return await place.submit(count, terms=QueueingTerms(limit=limit), **fields)


def ids(held: list[Held]) -> list[str]:
    return [entry.id for entry, _ in held]


async def has_place(store: Redis) -> set[str]:
    return {member.decode() for member in await command(store, "SMEMBERS", LIMIT)}


async def test_no_more_run_than_the_limit_and_the_next_begins_when_one_ends(store: Redis) -> None:
    async with limited_to(store, 2) as place:
        made = [one.id for one in await submit(place, 5)]
        held = await place.take(10)
        assert ids(held) == made[:2]
        assert await place.take(10) == []
        assert await place.waiting() == 3
        assert await place.state(made[4]) == "queued"
        order = ids(held)
        while held:
            await place.end(held.pop(0))
            more = await place.take(10)
            assert len(held) + len(more) <= 2
            order += ids(more)
            held += more
        assert order == made
        assert await store.exists(LIMIT, LIMITED) == 0
        assert int(await command(store, "HGET", FLOW, "aside")) == 0


async def test_who_waits_for_a_place_uses_no_attempt_and_keeps_no_entry(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        _, second = await submit(place, 2)
        (held,) = await place.take(10)
        assert await store.xlen(READY) == 1
        assert (await place.gateway.read(Token("p", second.id))).attempt == 0
        await place.end(held)
        ((_, started),) = await place.take(10)
        assert (started.attempt, started.fence) == (1, 1)


async def test_each_value_has_a_limit_of_its_own(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        a, _ = await submit(place, 2, 'k:"a"')
        b, _ = await submit(place, 2, 'k:"b"')
        assert ids(await place.take(10)) == [a.id, b.id]


async def test_a_newcomer_does_not_overtake_who_has_waited(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        await submit(place, 1)
        (held,) = await place.take(10)
        (waits,) = await submit(place, 1)
        assert await place.take(10) == []
        (late,) = await submit(place, 1)
        await place.end(held)
        (held,) = await place.take(10)
        assert held[0].id == waits.id
        await place.end(held)
        assert ids(await place.take(10)) == [late.id]


async def test_every_end_of_a_job_frees_its_place(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        made = [one.id for one in await submit(place, 4)]
        for outcome in (FAILED, RETRY, BACK, DONE):
            (held,) = await place.take(10)
            await place.end(held, outcome)
        assert made[3] not in await has_place(store)
        # The one that was to be retried, and the one that was handed back.
        assert (await place.first.promote())[0] == 1
        left = []
        while some := await place.take(10):
            assert len(some) == 1
            left += ids(some)
            await place.end(some[0])
        assert sorted(left) == sorted(made[1:3])


async def test_a_job_that_waits_for_a_place_can_be_cancelled(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        _, second, third = await submit(place, 3)
        (held,) = await place.take(10)
        assert await place.gateway.cancel(Token("p", second.id)) == "cancelled"
        assert await place.waiting() == 1
        await place.end(held)
        assert ids(await place.take(10)) == [third.id]


async def test_cancelling_one_that_has_a_place_and_no_worker_yet_frees_it(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        _, second, third = await submit(place, 3)
        (held,) = await place.take(10)
        await place.end(held)
        assert await has_place(store) == {second.id}
        assert await place.gateway.cancel(Token("p", second.id)) == "cancelled"
        assert ids(await place.take(10)) == [third.id]


async def test_a_deadline_that_passes_while_a_job_waits_for_a_place_ends_it_then(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        await submit(place, 1)
        await place.take(1)
        (late,) = await submit(place, 1, deadline_ms=HOUR_MS)
        (last,) = await submit(place, 1)
        assert await place.take(10) == []
        assert abs(float(await command(store, "ZSCORE", KEYS.scheduled("p"), late.id)) - await place.now()) > 3_500_000
        past = await place.now() - 1
        await command(store, "HSET", KEYS.job("p", late.id), "deadline", past)
        await command(store, "ZADD", KEYS.scheduled("p"), past, late.id)
        await place.first.promote()
        assert await place.state(late.id) == "expired"
        assert await place.state(last.id) == "queued"
        assert await place.waiting() == 1
        assert await command(store, "ZRANGE", LIMITED, 0, -1) == [last.id.encode()]


async def test_a_lost_worker_s_job_keeps_its_place_until_it_ends_elsewhere(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        first, second = await submit(place, 2)
        await place.take(10)
        entries = await place.second.take_over(TIER, 0, 10)
        (again,) = await place.start(entries, 0, place.second)
        assert (again[0].id, again[1].lost) == (first.id, 1)
        assert await place.take(10) == []
        await place.end(again)
        assert ids(await place.take(10)) == [second.id]


async def test_a_replayed_letter_waits_for_a_place_like_any_other(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        first, second = await submit(place, 2)
        (held,) = await place.take(10)
        await place.end(held, FAILED)
        letters = DeadLetters(store, KEYS, "p")
        assert await letters.replay([(await letters.page()).letters[0].entry]) == ["queued"]
        (held,) = await place.take(10)
        assert held[0].id == second.id
        await place.end(held)
        assert ids(await place.take(10)) == [first.id]


async def test_a_record_that_is_lost_does_not_keep_its_place(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        first, gone, third = await submit(place, 3)
        await place.take(10)
        await command(store, "DEL", KEYS.job("p", first.id), KEYS.job("p", gone.id))
        await place.first.sweep([TIER], [], 3600, "0")
        assert ids(await place.take(10)) == [third.id]


async def test_a_set_that_is_lost_lets_those_that_wait_go_on(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        _, second = await submit(place, 2)
        (held,) = await place.take(10)
        await command(store, "DEL", LIMIT)
        await place.first.sweep([TIER], [], 3600, "0")
        assert ids(await place.take(10)) == [second.id]
        assert await place.end(held) == "ok"


async def test_a_limit_that_is_raised_or_lowered_counts_at_once(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        await submit(place, 10)
        held = await place.take(10)
        place.first.rules = StartRules(limits={"k": 3})
        await submit(place, 1)
        await place.take(10)
        held += await place.take(10)
        assert len(held) == 3
        place.first.rules = StartRules(limits={"k": 1})
        for one in held:
            await place.end(one)
        assert len(await place.take(10)) == 1


async def test_a_kind_whose_limit_is_gone_runs_freely(store: Redis) -> None:
    async with limited_to(store, 1) as place:
        await submit(place, 3)
        place.first.rules = StartRules()
        assert len(await place.take(10)) == 3


async def test_limited_jobs_of_one_caller_come_back_through_their_lane(store: Redis) -> None:
    async with limited_to(store, 2) as place:
        made = [one.id for one in await submit(place, 30, caller="a")]
        order: list[str] = []
        while entries := await place.first.take([TIER], 4, 0):
            held = await place.start(entries, 3, place.first)
            assert len(held) <= 2
            order += ids(held)
            for one in held:
                await place.end(one)
        assert sorted(order) == sorted(made)
        assert await store.xlen(READY) == 0
        assert await place.waiting() == 0


# Rates.


@asynccontextmanager
async def paced_at(store: Redis, interval_ms: float, burst: int) -> AsyncIterator[Place]:
    async with place_in(store, StartRules(rates={"k": (interval_ms, burst)})) as place:
        yield place


async def due(store: Redis, now: int) -> list[float]:
    rows = await command(store, "ZRANGE", KEYS.scheduled("p"), 0, -1, "WITHSCORES")
    return [round((float(score) - now) / 1000) for score in rows[1::2]]


async def test_what_is_over_the_rate_gets_its_turn_one_after_the_other(store: Redis) -> None:
    async with paced_at(store, 60_000, 2) as place:
        made = [one.id for one in await place.submit(5)]
        assert ids(await place.take(10)) == made[:2]
        assert await due(store, await place.now()) == [60, 120, 180]
        assert await place.waiting() == 3
        assert await place.state(made[4]) == "queued"
        assert await store.xlen(READY) == 2
        # The store's clock cannot be turned: the first turn is made to have come.
        await command(store, "ZADD", KEYS.scheduled("p"), 1, made[2])
        await place.first.promote()
        ((entry, started),) = await place.take(10)
        assert (entry.id, started.attempt) == (made[2], 1)
        assert await place.take(10) == []
        assert int(await command(store, "PTTL", KEYS.rate("p", "k"))) > 0


async def test_a_job_that_waits_for_its_turn_can_be_cancelled_and_expires(store: Redis) -> None:
    async with paced_at(store, 60_000, 1) as place:
        _, second = await place.submit(2)
        (third,) = await place.submit(1, deadline_ms=1)
        deadline = int(await command(store, "HGET", KEYS.job("p", third.id), "deadline"))
        await until_async(place.now, lambda now: now > deadline, pause_s=0)
        await command(store, "HSET", KEYS.job("p", third.id), "deadline", await place.now() + 50)
        await place.take(10)
        assert await place.gateway.cancel(Token("p", second.id)) == "cancelled"
        while await place.state(third.id) != "expired":
            await place.first.promote()
        assert await place.waiting() == 0
        assert await command(store, "ZCARD", KEYS.scheduled("p")) == 0


async def test_each_attempt_takes_a_token(store: Redis) -> None:
    async with paced_at(store, 60_000, 1) as place:
        await place.submit(1)
        (held,) = await place.take(1)
        await place.end(held, BACK)
        assert await place.take(1) == []
        assert len(await due(store, await place.now())) == 1


async def test_a_kind_without_a_rate_is_not_held_up_by_one_with_it(store: Redis) -> None:
    async with paced_at(store, 60_000, 1) as place:
        await place.submit(5)
        (other,) = await place.submit(1, kind="other", envelope='["other",{}]')
        assert ids(await place.take(10))[-1] == other.id


async def test_a_limit_and_a_rate_together(store: Redis) -> None:
    rules = StartRules(limits={"k": 1}, rates={"k": (60_000.0, 1)})
    async with place_in(store, rules) as place:
        made = [one.id for one in await submit(place, 3)]
        (held,) = await place.take(10)
        await place.end(held)
        assert await place.take(10) == []  # the second has the place, and waits for its turn with it
        assert await has_place(store) == {made[1]}
        await place.first.sweep([TIER], [], 3600, "0")
        assert await has_place(store) == {made[1]}
        await command(store, "ZADD", KEYS.scheduled("p"), 1, made[1])
        await place.first.promote()
        (held,) = await place.take(10)
        assert held[0].id == made[1]
        assert (await store.xpending(READY, GROUP))["pending"] == 1
