"""How workers of a group take events: at least once, one event of a job at a time, no job in the way of another."""

import anyio
import msgspec
from redis.asyncio import Redis

from groups.stage import BOUNDS, KEYS, Stage, seen, stage_in
from support.waiting import until_async
from tidings.protocol.event_pattern import EventPattern
from tidings.protocol.events import EventClass, EventName
from tidings.store.groups.group_store import EventOutcome
from tidings.store.redis.store_client import command

ALL = tuple(str(name) for name in EventName)
OVER_S = 0.02
"""A lease that is over soon."""


async def two_events(stage: Stage) -> str:
    """Have one job make two events, and end."""
    await stage.join("g", events=("started", "succeeded"))
    return (await stage.finish(1))[0]


async def until_taken(stage: Stage, group: str = "g", **options: object) -> list[object]:
    found = await until_async(lambda: stage.take(group, **options), seconds=5)  # type: ignore[arg-type]
    return list(found)


async def test_two_workers_of_a_group_share_its_events(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        jobs = await stage.finish(10)
        first = await stage.take("g", 4)
        second = await stage.take("g", worker=stage.second)
        assert [event.job for event in (*first, *second)] == jobs
        assert len(first) == 4


async def test_two_groups_each_get_all(store: Redis) -> None:
    async with stage_in(store, ("a", "*"), ("b", "*")) as stage:
        jobs = await stage.finish(5)
        assert [job for job, _ in await stage.drain("a")] == [job for job, _ in await stage.drain("b")] == jobs


async def test_the_next_event_of_a_job_waits_for_the_one_in_hand(store: Redis) -> None:
    async with stage_in(store) as stage:
        job = await two_events(stage)
        (event,) = await stage.take("g")
        assert event.name == "started"
        assert await stage.take("g", worker=stage.second) == []
        assert await stage.settle("g", event) == "next"
        assert seen(await stage.take("g", worker=stage.second)) == [(job, "succeeded")]


async def test_an_event_that_waits_for_a_try_holds_up_its_own_job_alone(store: Redis) -> None:
    async with stage_in(store) as stage:
        slow = await two_events(stage)
        (event,) = await stage.take("g")
        assert await stage.settle("g", event, EventOutcome.RETRY, delay_ms=3_600_000) == "ok"
        (other,) = await stage.finish(1)
        assert await stage.drain("g") == [(other, "started"), (other, "succeeded")]
        assert slow != other


async def test_a_try_comes_when_it_is_due_and_counts(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(1)
        (event,) = await stage.take("g")
        await stage.settle("g", event, EventOutcome.RETRY, delay_ms=20)
        (again,) = await until_taken(stage)
        assert (again.entry, again.tries) == (event.entry, 2)  # type: ignore[attr-defined]


async def test_an_event_that_is_handed_back_is_given_at_once_and_the_try_does_not_count(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(1)
        (event,) = await stage.take("g")
        await stage.settle("g", event, EventOutcome.BACK)
        (again,) = await stage.take("g", worker=stage.second)
        assert again.tries == 1
        assert await stage.settle("g", event) == "lost", "what the first worker sends late, or twice, changes nothing"


async def test_a_worker_that_is_lost_loses_its_lease_and_no_event(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(1)
        (event,) = await stage.take("g", lease_s=OVER_S)
        (again,) = await until_taken(stage, worker=stage.second)
        assert again.tries == 2  # type: ignore[attr-defined]
        assert await stage.settle("g", event) == "lost"
        assert await stage.settle("g", again, worker=stage.second) == "ok"  # type: ignore[arg-type]
        assert await stage.take("g") == []


async def test_a_lease_that_is_renewed_is_not_lost(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        (job,) = await stage.finish(1)
        (event,) = await stage.take("g", lease_s=OVER_S)
        reply = await stage.first.take("g", [], [job, "no-such-job"], 3600, 0)
        assert reply.lost == ["no-such-job"]
        await anyio.sleep(2 * OVER_S)
        assert await stage.take("g", worker=stage.second) == []
        assert await stage.settle("g", event) == "ok"


async def test_a_dead_event_becomes_a_letter_and_lets_the_next_go(store: Redis) -> None:
    async with stage_in(store) as stage:
        job = await two_events(stage)
        (event,) = await stage.take("g")
        assert await stage.settle("g", event, EventOutcome.DEAD) == "next"
        assert seen(await stage.take("g")) == [(job, "succeeded")]
        ((_, fields),) = await command(store, "XRANGE", KEYS.group_dead(stage.partition, "g"), "-", "+")
        assert (fields[b"event"], fields[b"job"]) == (b"started", job.encode())
        assert fields[b"frame"] == event.frame.encode()


async def test_a_worker_gets_only_what_it_has_handlers_for_and_another_the_rest(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        (new,) = await stage.finish(1, "new")
        (old,) = await stage.finish(1, "old")
        assert seen(await stage.take("g", kinds="old")) == [(old, "succeeded")]
        (event,) = await until_taken(stage, worker=stage.second)
        assert event.job == new  # type: ignore[attr-defined]


async def test_a_pattern_that_no_worker_names_any_more_is_not_followed(store: Redis) -> None:
    async with stage_in(store, ("g", "a"), ("other", "*")) as stage:
        await stage.finish(1, "a")
        groups = KEYS.groups(stage.partition)
        # As if the pattern had last been named at the beginning of time.
        record = msgspec.msgpack.encode([0, [["a", " succeeded ", 0]]])
        await command(store, "HSET", groups, ":g", record)
        reply = await stage.first.join("g", [EventPattern.of("b")], BOUNDS)
        assert reply.answer == "changed"
        assert await stage.take("g") == []


async def test_a_take_of_a_group_that_is_not_there_says_so(store: Redis) -> None:
    async with stage_in(store) as stage:
        assert (await stage.first.take("nobody", [], [], 1, 1)).state == "gone"


async def test_a_job_of_very_many_events_holds_up_the_group_and_grows_no_further(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.join("g", events=ALL)
        await stage.submit()
        (held,) = (await stage.start()).values()
        for _ in range(11):
            await stage.report(held, *[(EventClass.LOG, "1")] * 100)
        (event,) = await stage.take("g")
        reply = await stage.first.take("g", [EventPattern.of("*", ALL)], [event.job], 30, 10)
        assert (reply.events, reply.more) == ([], 1)
        assert len(await stage.drain_from(event, "g")) == 1102


async def test_the_wait_ends_with_the_first_event_behind_the_position(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        reply = await stage.first.take("g", [], [], 1, 1)
        assert await stage.first.wait(reply.position, 1) is False
        await stage.finish(1)
        assert await stage.first.wait(reply.position, 10_000) is True
