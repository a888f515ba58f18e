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
from tidings.store.groups.group_admin import GroupAdmin
from tidings.store.groups.group_store import GroupStore
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
        following = GroupFollowing(
            lambda partition: GroupAdmin(store, KEYS, partition),
            lambda partition: GroupStore(store, KEYS, partition, "w"),
            {stage.partition: ["k"]},
            BOUNDS,
        )
        await following.follow()
        await following.follow()
        jobs = await stage.finish(1)
        assert [job for job, _ in await stage.drain("g")] == jobs
        names = [group.name for group in (await GroupAdmin(store, KEYS, stage.partition).read()).groups]
        assert names == ["g"]
