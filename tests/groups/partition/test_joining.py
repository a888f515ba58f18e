"""When a worker says that its groups are registered, every script of every release follows what they follow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from groups.stage import BOUNDS, KEYS, Stage, stage_in
from support.timeouts import scaled
from tidings import Event, on
from tidings.protocol.event_pattern import EventPattern
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.groups.event_feed import EventFeed
from tidings.store.groups.group_admin import GroupAdmin
from tidings.store.groups.group_store import GroupStore
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry
from tidings_worker.consumers.consumer_groups import ConsumerGroups, GroupFollowing, groups_of
from tidings_worker.consumers.event_call import EventServices
from tidings_worker.consumers.event_meter import EventMeter
from tidings_worker.consumers.group_reader import ReaderLimits

SEEN: list[str] = []


@on("k", group="g")
async def see(event: Event) -> None:
    SEEN.append(event.token)


class NoBreakers:
    """A worker's breakers, of which these handlers use none."""


@asynccontextmanager
async def serving(stage: Stage) -> AsyncIterator[ConsumerGroups]:
    """Serve the handler as a worker does, around the body."""
    SEEN.clear()
    services = EventServices(stage.gateway, None, NoBreakers(), anyio.CapacityLimiter(1))  # type: ignore[arg-type]
    groups = ConsumerGroups(
        groups_of([see]),
        lambda partition: GroupStore(stage.store, KEYS, partition, "w"),
        Registry(stage.store, KEYS),
        ReaderLimits(4, 30.0, BOUNDS),
        services,
        EventMeter(),
    )
    async with asyncio.TaskGroup() as calls, anyio.create_task_group() as tasks:
        tasks.start_soon(groups.keep)
        await asyncio.sleep(0)
        tasks.start_soon(groups.serve, calls)
        yield groups
        await groups.idle()
        tasks.cancel_scope.cancel()


async def register(stage: Stage) -> None:
    raw = msgspec.Raw(b"{}")
    await Registry(stage.store, KEYS).register([KindRecord(kind="k", queue=stage.partition, input=raw, result=raw)])


async def test_a_group_is_not_called_registered_before_it_is_followed_everywhere(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    sleep = anyio.sleep

    async def note(seconds: float) -> None:
        waited.append(seconds)
        await sleep(seconds)

    async with stage_in(store) as stage:
        await register(stage)
        monkeypatch.setattr("tidings_worker.consumers.group_reader.anyio.sleep", note)
        with capture_logs() as logs:
            async with serving(stage):
                with anyio.fail_after(scaled(10)):
                    while "group_registered" not in [line["event"] for line in logs]:
                        await sleep(0.01)
        assert 1.0 in waited


async def test_a_worker_takes_what_comes_and_what_a_queue_brings_that_is_new(store: Redis) -> None:
    async with stage_in(store) as stage, serving(stage) as groups:
        await register(stage)
        groups.wake()
        with anyio.fail_after(scaled(20)):
            while not SEEN:
                await stage.finish(1)
        assert SEEN[0].startswith(stage.partition)


async def test_a_queue_that_is_new_follows_the_groups_there_are_before_its_first_job(store: Redis) -> None:
    async with stage_in(store) as stage:
        registry = GroupStore(store, KEYS, "registry", "w")
        await registry.join("g", see.patterns, BOUNDS)
        await registry.join("other", [EventPattern.of("x.*")], BOUNDS)
        following = following_of(store, stage)
        await following.follow()
        await following.follow()
        jobs = await stage.finish(1)
        assert [job for job, _ in await stage.drain("g")] == jobs
        names = [group.name for group in (await GroupAdmin(store, KEYS, stage.partition).read()).groups]
        assert names == ["g"]


def following_of(store: Redis, stage: Stage) -> GroupFollowing:
    """Return what a worker does that registers a kind of a new queue."""
    return GroupFollowing(
        lambda partition: GroupAdmin(store, KEYS, partition),
        lambda partition: GroupStore(store, KEYS, partition, "w"),
        {stage.partition: ["k"]},
        BOUNDS,
    )


async def test_a_queue_that_is_new_is_written_for_the_feeds_that_are_open(store: Redis) -> None:
    async with stage_in(store) as known, stage_in(store) as new:
        feed = EventFeed(store, KEYS, [EventPattern.of("k")], BOUNDS)
        elsewhere = EventFeed(store, KEYS, [EventPattern.of("x.*")], BOUNDS)
        for one in (feed, elsewhere):
            await one.follow([known.partition])
        await following_of(store, new).follow()
        jobs = await new.finish(2)  # before the feed has looked for new queues
        await feed.follow([known.partition, new.partition])
        pages = dict(await feed.read())
        assert [event.frame.count(job) for event, job in zip(pages[new.partition].events, jobs, strict=True)] == [1, 1]
        assert pages[new.partition].missed == 0
        shown = await GroupAdmin(store, KEYS, new.partition).read(feeds=True)
        assert [group.name for group in shown.groups] == [feed.name]
        assert (await GroupAdmin(store, KEYS, new.partition).read()).groups == []
        ttl = await command(store, "PTTL", KEYS.group(new.partition, feed.name))
        assert 0 < ttl <= 3_600_000, "what is written for a feed ends when no client reads it"


async def test_a_client_that_comes_back_reads_a_queue_that_came_meanwhile_from_its_first_event(store: Redis) -> None:
    async with stage_in(store) as known, stage_in(store) as new:
        first = EventFeed(store, KEYS, [EventPattern.of("k")], BOUNDS)
        await first.follow([known.partition])
        await following_of(store, new).follow()
        await new.finish(3)
        later = EventFeed(store, KEYS, [EventPattern.of("k")], BOUNDS, first.cursor)
        await later.follow([known.partition, new.partition])
        assert {queue: len(page.events) for queue, page in await later.read()} == {known.partition: 0, new.partition: 3}
