"""What operators see of groups, and do to one of them while the others go on."""

import anyio
from redis.asyncio import Redis

from groups.stage import BOUNDS, KEYS, Stage, seen, stage_in
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.groups.group_admin import AT_END, FROM_START, GroupAdmin, GroupCommand, GroupView, before_ms
from tidings.store.groups.group_store import EventOutcome, StreamBounds
from tidings.store.redis.store_client import command

TINY = StreamBounds(max_age_s=3600, max_bytes=65_536)


def admin(stage: Stage) -> GroupAdmin:
    return GroupAdmin(stage.store, KEYS, stage.partition)


async def view(stage: Stage, group: str = "g") -> GroupView:
    found = await admin(stage).read()
    return next(one for one in found.groups if one.name == group)


async def missed(stage: Stage, group: str = "g") -> int:
    """Let a group take all, and return what it was told it had missed."""
    total = 0
    while True:
        reply = await stage.first.take(group, [], [], 30, 100)
        total += reply.missed
        if not reply.more:
            return total


async def test_a_group_shows_how_far_behind_it_is(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(5)
        assert (await view(stage)).behind == 5
        events = await stage.take("g", 3)
        assert ((await view(stage)).behind, (await view(stage)).jobs) == (5, 3)
        for event in events:
            await stage.settle("g", event)
        shown = await view(stage)
        assert (shown.behind, shown.jobs, shown.handled) == (2, 0, 3)
        assert shown.oldest_ms > 0
        await stage.drain("g")
        assert ((await view(stage)).behind, (await view(stage)).oldest_ms) == (0, 0)


async def test_what_other_groups_follow_counts_for_none_but_them(store: Redis) -> None:
    async with stage_in(store, ("a", "a"), ("b", "b")) as stage:
        await stage.finish(3, "a")
        await stage.finish(2, "b")
        assert ((await view(stage, "a")).behind, (await view(stage, "b")).behind) == (3, 2)
        assert [len(await stage.drain(group)) for group in ("a", "b")] == [3, 2]


async def test_a_replay_gives_one_group_all_again_and_moves_no_other(store: Redis) -> None:
    async with stage_in(store, ("g", "*"), ("other", "*")) as stage:
        jobs = await stage.finish(4)
        await stage.drain("g")
        await stage.drain("other")
        await admin(stage).move("g", FROM_START)
        assert (await view(stage)).behind == 4
        assert [job for job, _ in await stage.drain("g")] == jobs
        assert await stage.drain("other") == []
        assert (await view(stage)).missed == 0


async def test_a_replay_from_a_moment_begins_with_its_first_event(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(2)
        before = (await admin(stage).read()).now_ms
        while (moment := (await admin(stage).read()).now_ms) == before:
            pass
        later = await stage.finish(2)
        await stage.drain("g")
        await admin(stage).move("g", before_ms(moment))
        assert [job for job, _ in await stage.drain("g")] == later


async def test_a_group_goes_back_to_events_from_before_it_joined(store: Redis) -> None:
    async with stage_in(store, ("old", "*")) as stage:
        jobs = await stage.finish(3)
        await stage.join("g")
        assert await stage.drain("g") == []
        await admin(stage).move("g", FROM_START)
        assert (await view(stage)).behind == 0 or (await view(stage)).behind == -1
        jobs += await stage.finish(1)
        assert [job for job, _ in await stage.drain("g")] == jobs


async def test_a_skip_passes_over_what_is_there_and_what_waits_for_a_try(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(3)
        (event,) = await stage.take("g", 1)
        await stage.settle("g", event, EventOutcome.RETRY, delay_ms=1)
        move = await admin(stage).move("g", AT_END)
        assert move.dropped == 1
        assert await stage.drain("g") == []
        later = await stage.finish(1)
        assert [job for job, _ in await stage.drain("g")] == later
        assert (await view(stage)).missed == 0


async def test_a_move_leaves_what_a_worker_has_in_hand_and_the_next_event_of_its_job_waits(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        (job,) = await stage.finish(1)
        (event,) = await stage.take("g")
        assert (await admin(stage).move("g", FROM_START)).dropped == 0
        assert await stage.take("g", worker=stage.second) == []
        assert await stage.settle("g", event) == "next"
        assert seen(await stage.take("g", worker=stage.second)) == [(job, "succeeded")]


async def test_a_paused_group_gets_nothing_and_goes_on_where_it_was(store: Redis) -> None:
    async with stage_in(store, ("g", "*"), ("other", "*")) as stage:
        assert await admin(stage).act("g", GroupCommand.PAUSE) == "ok"
        assert await admin(stage).act("g", GroupCommand.PAUSE) == "same"
        jobs = await stage.finish(2)
        assert (await stage.first.take("g", [], [], 1, 10)).state == "paused"
        assert len(await stage.drain("other")) == 2
        assert (await view(stage)).paused_ms > 0
        assert await admin(stage).act("g", GroupCommand.RESUME) == "ok"
        assert [job for job, _ in await stage.drain("g")] == jobs


async def test_acts_on_a_group_that_is_not_there_make_none(store: Redis) -> None:
    async with stage_in(store) as stage:
        assert [await admin(stage).act("g", act) for act in GroupCommand] == ["gone"] * 3
        assert (await admin(stage).move("g", AT_END)).answer == "gone"
        assert await command(store, "EXISTS", KEYS.group(stage.partition, "g")) == 0


async def test_a_group_that_is_forgotten_leaves_nothing_and_costs_nothing(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(1)
        (event,) = await stage.take("g")
        await stage.settle("g", event, EventOutcome.DEAD)
        await admin(stage).act("g", GroupCommand.FORGET)
        with anyio.fail_after(scaled(5)):
            while True:  # the library follows the group until it reads the groups again
                before = await command(store, "XLEN", KEYS.events(stage.partition))
                await stage.finish(1)
                if await command(store, "XLEN", KEYS.events(stage.partition)) == before:
                    break
        left = [key async for key in store.scan_iter(f"{KEYS.root(stage.partition)}group*")]
        assert left == []


async def test_a_late_group_learns_exactly_how_many_events_the_stream_has_lost(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.join("late", bounds=TINY)
        await stage.join("g", bounds=TINY)
        total = len(await stage.finish(100)) + len(await stage.finish(900))
        left = await command(store, "XLEN", KEYS.events(stage.partition))
        assert 0 < left < total
        shown = await view(stage)
        assert (shown.missed, shown.behind) == (total - left, left), "operators see it before its worker is back"
        found = await stage.first.take("g", [], [], 30, 1)
        assert found.missed == total - left
        shown = await view(stage)
        assert (shown.missed, shown.missed_at_ms > 0) == (total - left, True)
        assert shown.missed_from < shown.missed_before


async def test_a_group_that_missed_everything_learns_that_too(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(7)
        await command(store, "DEL", KEYS.events(stage.partition))  # as after `max_age`
        assert (await view(stage)).missed == 7
        assert await missed(stage) == 7
        assert ((await view(stage)).missed, (await view(stage)).behind) == (7, 0)
        later = await stage.finish(1)
        assert [job for job, _ in await stage.drain("g")] == later
        assert (await view(stage)).missed == 7


async def test_an_event_that_was_trimmed_while_it_waited_for_a_try_counts_as_missed(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.finish(2)
        for event in await stage.take("g"):
            await stage.settle("g", event, EventOutcome.RETRY, delay_ms=1)
        await command(store, "XTRIM", KEYS.events(stage.partition), "MAXLEN", 0)
        with anyio.fail_after(scaled(5)):
            while (await view(stage)).jobs:
                await missed(stage)
        assert (await view(stage)).missed == 2


async def test_the_stream_stays_within_its_bytes(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.join("g", bounds=StreamBounds(3600, 262_144))
        used = 0
        for _ in range(40):
            await stage.finish(100)
            used = await command(store, "MEMORY", "USAGE", KEYS.events(stage.partition), "SAMPLES", 0)
            assert used < 2 * 262_144
        found = await admin(stage).read()
        assert 0.5 * 262_144 < found.bytes <= 262_144
        assert abs(found.bytes - used) < 0.5 * found.bytes, "what operators see is about what the store holds"


async def test_the_stream_loses_what_is_too_old_and_leaves_when_all_is(store: Redis) -> None:
    async with stage_in(store) as stage:
        await stage.join("g", bounds=StreamBounds(0.2, 262_144))
        await stage.finish(1)
        assert 0 < await command(store, "PTTL", KEYS.events(stage.partition)) <= 200
        await until_async(
            lambda: command(store, "EXISTS", KEYS.events(stage.partition), KEYS.event_marks(stage.partition)),
            lambda found: not found,
            seconds=5,
        )
        assert await missed(stage) == 1


async def test_dead_events_are_listed_and_given_again_to_their_group_alone(store: Redis) -> None:
    async with stage_in(store, ("g", "*"), ("other", "*")) as stage:
        (job,) = await stage.finish(1)
        (event,) = await stage.take("g")
        await stage.settle("g", event, EventOutcome.DEAD)
        await stage.drain("other")
        (letter,) = await admin(stage).dead("g", 10)
        assert (letter.job, letter.name, letter.kind, letter.tries, letter.problem) == (job, "succeeded", "k", 1, "{}")
        assert (await view(stage)).dead == 1
        assert await admin(stage).retry("g", [letter.letter, "1-1"]) == ["ok", "gone"]
        (again,) = await stage.take("g")
        assert (again.job, again.frame) == (job, event.frame)
        assert await stage.drain("other") == []
        assert ((await view(stage)).dead, (await view(stage, "other")).behind) == (0, 0)


async def test_the_age_and_the_bytes_are_those_of_the_last_worker_that_joined(store: Redis) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await stage.join("g", bounds=StreamBounds(7, 65_536))
        assert await command(store, "HGET", KEYS.groups(stage.partition), "limits") == b"7000 65536"
        assert StreamBounds(7, 65_536) != BOUNDS
