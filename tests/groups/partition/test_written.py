"""Which events the stream of a partition gets: those that a group follows, whole, in the script that makes them."""

import json
from typing import Any

import pytest
from redis.asyncio import Redis

from groups.stage import KEYS, Stage, frame_of, seen, stage_in
from tidings.protocol.event_pattern import EventPattern
from tidings.protocol.events import EventClass, EventName
from tidings.protocol.states import State
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.store.groups.group_store import EventOutcome, GroupStore, StreamBounds
from tidings.store.redis.store_client import command
from tiers.place import DONE, FAILED, RETRY

ALL = tuple(str(name) for name in EventName)


async def names(stage: Stage, group: str) -> list[str]:
    return [name for _, name in await stage.drain(group)]


async def test_a_partition_without_groups_has_no_stream(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.finish(3)
        assert await command(store, "EXISTS", KEYS.events(stage.partition), KEYS.event_counts(stage.partition)) == 0


async def test_only_kinds_that_a_group_follows_are_written(store: Redis) -> None:
    async with stage_in(store, ("billing", "order.*")) as stage:
        await stage.finish(2, "order.placed")
        await stage.finish(2, "other")
        assert await command(store, "XLEN", KEYS.events(stage.partition)) == 2


@pytest.mark.parametrize(
    ("glob", "kind", "is_followed"),
    [
        ("order.*", "order.placed", True),
        ("order.*", "orders", False),
        ("order.*", "order_placed", False),
        ("*", "x", True),
        ("*.placed", "order.placed", True),
        ("a-b", "a-b", True),
        ("a-b", "aab", False),
        ("k", "kk", False),
    ],
)
async def test_a_star_stands_for_any_characters_and_all_others_for_themselves(
    store: Redis, glob: str, kind: str, is_followed: bool
) -> None:
    assert EventPattern.of(glob).matches(kind, "succeeded") is is_followed
    async with stage_in(store, ("g", glob)) as stage:
        await stage.finish(1, kind)
        assert bool(await stage.take("g")) is is_followed


async def test_each_event_of_a_job_comes_once_and_in_order(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.join("g", events=ALL)
        await stage.submit()
        (held,) = (await stage.start()).values()
        await stage.report(held, (EventClass.PROGRESS, '{"fraction":0.5}'), (EventClass.LOG, '"hello"'))
        await stage.report(held, outcome=RETRY)
        assert await names(stage, "g") == ["queued", "started", "progress", "log", "retrying"]


async def test_an_event_says_what_its_watchers_would_see(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        (job,) = await stage.finish(1, "order", correlation_id="c-1", owner="alice")
        (event,) = await stage.take("g")
        frame = frame_of(event)
        assert (event.kind, event.name, event.correlation_id, event.owner) == ("order", "succeeded", "c-1", "alice")
        assert frame["token"] == str(stage.token(job))
        assert (frame["seq"], frame["status"], frame["data"]) == (3, "succeeded", {"result": 1})


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED])
async def test_jobs_that_end_without_a_worker_are_told_too(store: Redis, state: State) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        (job,) = await stage.submit(1, deadline_ms=1 if state is State.EXPIRED else 0)
        if state is State.CANCELLED:
            await stage.gateway.cancel(stage.token(job))
        else:
            while not await stage.take("g", 0) and not await command(store, "XLEN", KEYS.events(stage.partition)):
                await stage.gateway.expire(stage.partition, 10)
        assert seen(await stage.take("g")) == [(job, str(state))]


async def test_a_result_that_no_frame_holds_is_told_without_it(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        large = AttemptOutcome(State.SUCCEEDED, "result", json.dumps("x" * 100_000))
        await stage.finish(1, outcome=large)
        (event,) = await stage.take("g")
        frame = frame_of(event)
        assert (frame["event"], frame["status"], "data" in frame) == ("succeeded", "succeeded", False)


async def test_a_problem_comes_whole(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(1, outcome=FAILED)
        (event,) = await stage.take("g")
        assert frame_of(event)["data"]["problem"]["code"] == "rejected"


async def test_a_group_that_joins_under_load_loses_no_event_from_its_registration_on(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.finish(5)  # the library has just read that no group follows anything
        await stage.join("g")
        later = await stage.finish(20)
        assert [job for job, _ in await stage.drain("g")] == later


async def test_what_a_group_follows_more_counts_for_all_scripts_when_its_worker_goes_on(store: Redis) -> None:
    async with stage_in(store, ("g", "a")) as stage:
        await stage.finish(1, "b")
        assert (await stage.join("g", "b")).answer == "changed"
        await stage.finish(1, "b")
        assert len(await stage.drain("g")) == 1


async def test_a_key_that_holds_something_else_stops_no_job(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        for key in (KEYS.events(stage.partition), KEYS.event_counts(stage.partition)):
            await command(store, "SET", key, "a stranger's")
        assert len(await stage.finish(2)) == 2
        await stage.finish(2)
        assert await stage.drain("g")


async def test_groups_that_cannot_be_read_stop_no_job(store: Redis) -> None:
    async with stage_in(store) as stage:
        await command(store, "HSET", KEYS.groups(stage.partition), ":g", b"\xc1 no MessagePack", "limits", "many")
        assert len(await stage.finish(2)) == 2


async def test_a_partition_takes_so_many_groups_and_no_more(store: Redis) -> None:
    async with stage_in(store) as stage:

        async def join(name: str, **options: Any) -> str:
            return (await stage.first.join(name, [], StreamBounds(60, 65_536), max_groups=2, **options)).answer

        assert [await join(name) for name in ("a", "b", "c", "a")] == ["new", "new", "full", "known"]
        assert await join("~feed", expires_s=0.001) == "new", "readers are counted apart"
        while await command(store, "HEXISTS", KEYS.groups(stage.partition), ":~feed"):
            await join("~other", expires_s=60)
        assert await command(store, "EXISTS", KEYS.group(stage.partition, "~feed")) == 0


async def test_scripts_known_by_their_text_write_the_same(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        store.caller.functions = False  # type: ignore[attr-defined]
        jobs = await stage.finish(3)
        assert [job for job, _ in await stage.drain("g")] == jobs
        assert isinstance(stage.first, GroupStore)


async def test_an_outcome_without_a_watcher_is_told(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        assert len(await stage.finish(1, outcome=DONE)) == len(await stage.drain("g")) == 1


async def test_scripts_make_the_keys_that_operators_read(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(1)
        (event,) = await stage.take("g")
        keys = [
            KEYS.events(stage.partition), KEYS.event_counts(stage.partition), KEYS.event_marks(stage.partition),
            KEYS.groups(stage.partition), KEYS.group(stage.partition, "g"), KEYS.group_jobs(stage.partition, "g"),
            KEYS.group_due(stage.partition, "g"),
        ]  # fmt: skip
        assert await command(store, "EXISTS", *keys) == len(keys)
        await stage.settle("g", event, EventOutcome.DEAD)
        assert await command(store, "EXISTS", KEYS.group_dead(stage.partition, "g")) == 1


async def test_a_group_is_told_after_which_time_every_release_follows_what_it_said(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.finish(1)
        fresh = await stage.join("g")
        assert (fresh.answer, fresh.wait_ms) == ("new", 1000)
        assert (await stage.join("g", "more.*")).wait_ms == 1000
        assert (await stage.join("g", "more.*")).wait_ms == 0
