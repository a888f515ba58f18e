"""The placements in the registry: who changes them, and what comes of two that do so at once."""

import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.placement.partition_names import partition_names
from tidings.store.placement.placement import MAX_CHANGES, Placement
from tidings.store.placement.placement_store import ChangeLimitError, PlacementStore
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry, WorkerRecord

KEYS = StoreKeys()
WORKER = WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["free"], queues=["wide"], slots=1)


def kind(name: str, queue: str = "wide", **options: object) -> KindRecord:
    return msgspec.structs.replace(
        KindRecord(kind=name, queue=queue, input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"null")), **options
    )


FREE = kind("free")
BOUND = {
    "limited": kind("limited", limit=2),
    "rated": kind("rated", rate=1.0),
    "unique": kind("unique", unique="all"),
    "falls_back": kind("falls_back", fallback="rated"),
}


@pytest.fixture
def placements(store: Redis) -> PlacementStore:
    return PlacementStore(store, KEYS)


async def test_what_is_prepared_exists_and_takes_no_job_yet(placements: PlacementStore) -> None:
    await placements.prepare("wide", 8)
    found = await placements.read()
    assert found.of_queues == {"wide": Placement(epoch=0, count=1, most=8)}
    assert found.partitions("wide") == partition_names("wide", 8)


async def test_kinds_with_a_limit_a_rate_or_unique_values_are_at_home(placements: PlacementStore) -> None:
    records = {"free": FREE, "elsewhere": kind("elsewhere", queue="other", limit=1), **BOUND}
    placement = await placements.spread("wide", 8, records)
    assert placement is not None
    assert placement.home == sorted(BOUND)
    assert await placements.spread("wide", 8, records) == placement, "nothing has changed"


async def test_a_kind_that_gets_a_limit_moves_home_and_stays_until_the_count_is_set_again(
    placements: PlacementStore,
) -> None:
    await placements.spread("wide", 8, {"free": FREE})
    limited = {"free": kind("free", limit=1)}
    after = (await placements.keep_at_home(await placements.read(), limited)).of_queues["wide"]
    assert (after.epoch, after.home, after.before[0].home) == (2, ["free"], [])
    assert (await placements.read()).of_queues["wide"] == after
    kept = await placements.keep_at_home(await placements.read(), {"free": FREE})
    assert kept.of_queues["wide"] == after
    again = await placements.spread("wide", 8, {"free": FREE})
    assert again is not None
    assert (again.epoch, again.home) == (3, [])


async def test_changes_at_the_same_moment_follow_one_another(placements: PlacementStore) -> None:
    await asyncio.gather(*(placements.spread("wide", count, {}) for count in (2, 3, 4, 5)))
    placement = (await placements.read()).of_queues["wide"]
    assert (placement.epoch, placement.most) == (4, 5)
    assert sorted([placement.count, *(one.count for one in placement.before)]) == [1, 2, 3, 4, 5]


async def test_a_queue_is_not_spread_too_often(placements: PlacementStore) -> None:
    for at in range(MAX_CHANGES):
        await placements.spread("wide", 2 + at % 2, {})
    with pytest.raises(ChangeLimitError, match="31 days"):
        await placements.spread("wide", 8, {})


async def test_registry_and_heartbeat_bring_the_placements_and_leave_out_what_is_none(
    store: Redis, placements: PlacementStore
) -> None:
    registry = Registry(store, KEYS)
    assert not (await registry.heartbeat(WORKER, 60)).placements
    await registry.register([FREE])
    await placements.spread("wide", 2, {})
    for queue, record in (("worse", b"\xff"), ("bad", b'{"epoch":1,"count":65,"most":65}'), ("\udcff", b"{}")):
        await command(store, "HSET", KEYS.placements, queue.encode(errors="surrogateescape"), record)
    for found in ((await registry.heartbeat(WORKER, 60)).placements, (await registry.read()).placements):
        assert found.of_queues.keys() == {"wide"}
    assert (await registry.read()).records.keys() == {"free"}


async def test_each_partition_has_an_equal_part_of_the_backlog(store: Redis) -> None:
    async with JobStore(store, KEYS, "g", JobStoreOptions(max_backlog=8, max_backlog_per_caller=4)) as jobs:

        async def taken(partition: str, caller: str = "") -> int:
            new = [NewJob(f"{n:022}{caller}"[-22:], "free", "standard", "[]", caller=caller) for n in range(10)]
            replies = await asyncio.gather(*(jobs.submit(partition, one) for one in new))
            return sum(reply.answer == "new" for reply in replies)

        assert await taken("one") == 8
        jobs.shares = dict.fromkeys(partition_names("wide", 4), 4)
        assert await taken("wide") == 2
        assert await taken(partition_names("wide", 2)[1], "caller") == 1
