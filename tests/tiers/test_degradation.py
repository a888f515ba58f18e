"""When too much waits: a submission is refused, another kind answers, or what matters least is dropped."""

from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.protocol.problems import Problem
from tidings.protocol.tokens import Token
from tidings.store.attempts.attempt_store import StartRules
from tidings.store.jobs.job_store import FallbackJob, QueueingTerms
from tidings.store.jobs.queueing_terms import SHED_PROBLEM
from tiers.place import KEYS, READY, TIER, Place, place_in

CHEAP = FallbackJob("cheap", "fast", '["cheap",{}]')


async def fill(place: Place, jobs: int, rate: float = 1.0, **fields: Any) -> list[str]:
    """Have jobs wait, in a tier that drains so many a second."""
    made = [one.id for one in await place.submit(jobs, **fields)]
    await place.drains_at(rate)
    return made


async def test_a_job_that_would_wait_too_long_is_refused_with_the_time_to_come_again(store: Redis) -> None:
    async with place_in(store) as place:
        await fill(place, 40)
        strict = QueueingTerms(max_eta_ms=30_000)
        (refused,) = await place.submit(1, terms=strict)
        assert (refused.answer, refused.position, refused.wait_ms) == ("busy", 40, 10_000)
        assert not await store.exists(KEYS.job("p", refused.id))
        await place.drains_at(2)
        assert (await place.submit(1, terms=strict))[0].answer == "new"


async def test_an_unknown_rate_refuses_no_job(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(40)
        assert (await place.submit(1, terms=QueueingTerms(max_eta_ms=1)))[0].answer == "new"


async def test_a_delayed_job_is_not_asked_how_long_it_would_wait(store: Redis) -> None:
    async with place_in(store) as place:
        await fill(place, 40)
        (later,) = await place.submit(1, delay_ms=1000, terms=QueueingTerms(max_eta_ms=1))
        assert later.state == "scheduled"


async def test_one_with_few_jobs_is_not_refused_for_another_s_many(store: Redis) -> None:
    async with place_in(store) as place:
        await fill(place, 100, caller="a")
        strict = QueueingTerms(max_eta_ms=30_000)
        assert (await place.submit(1, "a", terms=strict))[0].answer == "busy"
        assert (await place.submit(1, "b", terms=strict))[0].answer == "new"


async def test_a_cheaper_kind_answers_in_its_own_tier(store: Redis) -> None:
    async with place_in(store) as place:
        terms = QueueingTerms(max_eta_ms=30_000, fallback=CHEAP)
        (early,) = await place.submit(1, terms=terms)
        await fill(place, 40)
        (late,) = await place.submit(1, terms=terms)
        assert (early.degraded, late.degraded, late.answer) == ("", "fallback", "new")
        assert (await place.gateway.read(Token("p", late.id))).kind == "cheap"
        await place.first.join(["fast"])
        ((entry, _),) = await place.take(1, tier="fast")
        assert (entry.id, entry.envelope) == (late.id, CHEAP.envelope.encode())


async def test_a_repeated_key_gets_the_job_that_answered_instead(store: Redis) -> None:
    async with place_in(store) as place:
        await fill(place, 40)
        terms = QueueingTerms(max_eta_ms=30_000, fallback=CHEAP)
        (first,) = await place.submit(1, terms=terms, key="k:0::a", fingerprint="f")
        (again,) = await place.submit(1, terms=terms, key="k:0::a", fingerprint="f")
        assert (again.answer, again.id) == ("duplicate", first.id)


def sheds(priority: int = 0) -> QueueingTerms:
    return QueueingTerms(priority=priority, max_eta_ms=30_000, shed=SHED_PROBLEM)


async def test_what_matters_least_and_has_waited_longest_is_shed(store: Redis) -> None:
    async with place_in(store) as place:
        (high,) = await place.submit(1, terms=sheds(5))
        (oldest,) = await place.submit(1, terms=sheds())
        while await place.now() == (await place.gateway.read(Token("p", oldest.id))).submitted:
            pass
        (low,) = await place.submit(1, terms=sheds())
        await fill(place, 40)
        (new,) = await place.submit(1, terms=sheds())
        assert (new.answer, new.degraded) == ("new", "shed")
        record = await place.gateway.read(Token("p", oldest.id))
        assert record.state == "failed"
        assert msgspec.json.decode(record.problem, type=Problem).code == "shed"
        assert [await place.state(one.id) for one in (high, low, new)] == ["queued"] * 3
        assert await store.xlen(READY) == 43
        assert await store.xlen(KEYS.dead("p")) == 0


async def test_a_job_that_matters_less_than_all_that_wait_is_refused(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(3, terms=sheds(1))
        await fill(place, 40)
        assert (await place.submit(1, terms=sheds(0)))[0].answer == "busy"
        assert (await place.submit(1, terms=sheds(1)))[0].degraded == "shed"


async def test_what_runs_or_has_ended_is_not_shed(store: Redis) -> None:
    async with place_in(store) as place:
        running, cancelled, waits = await place.submit(3, terms=sheds())
        assert (await place.take(1))[0][0].id == running.id
        await place.gateway.cancel(Token("p", cancelled.id))
        await fill(place, 40)
        assert (await place.submit(1, terms=sheds()))[0].degraded == "shed"
        assert [await place.state(one.id) for one in (running, cancelled, waits)] == ["running", "cancelled", "failed"]


async def test_the_worker_never_sees_a_job_that_was_shed(store: Redis) -> None:
    async with place_in(store) as place:
        made = [one.id for one in await place.submit(12, "a", terms=sheds())]
        await fill(place, 40)
        for _ in range(12):
            assert (await place.submit(1, terms=sheds(1)))[0].degraded == "shed"
        order = await place.drain()
        assert not set(order) & set(made)
        assert len(order) == 52
        assert await store.exists(KEYS.sheddable("p", TIER)) == 0


async def test_a_shed_job_gives_up_its_wish_for_a_place(store: Redis) -> None:
    async with place_in(store, StartRules(limits={"k": 1})) as place:
        terms = QueueingTerms(limit="k", max_eta_ms=30_000, shed=SHED_PROBLEM)
        _, waits = await place.submit(2, terms=terms)
        await place.take(10)
        await fill(place, 40, kind="other")
        assert (await place.submit(1, terms=terms))[0].degraded == "shed"
        assert await place.state(waits.id) == "failed"
        assert await store.exists(KEYS.limited("p", "k")) == 0
