"""The census: what waits in each tier and since when, in one call for each queue, by the store's clock."""

from redis.asyncio import Redis

from tidings.protocol.tokens import new_token
from tidings.store.admin.queue_stats import QueueCount, count_queue, read_queue_stats
from tidings.store.jobs.job_store import NewJob
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry
from tiers.place import DIRECT, FAILED, KEYS, READY, TIER, Place, place_in


async def counted(place: Place, *tiers: str) -> list[QueueCount]:
    return await count_queue(place.store, KEYS, "p", list(tiers or (TIER,)))


async def queued_ms(place: Place, job: str) -> int:
    return int(await command(place.store, "HGET", KEYS.job("p", job), "enqueued"))


async def waits_longest(place: Place, job: str) -> None:
    before = await place.now()
    (one,) = await counted(place)
    after = await place.now()
    queued = await queued_ms(place, job)
    assert one.oldest is not None
    assert before - queued <= round(one.oldest * 1000) <= after - queued


async def test_tiers_are_counted_in_the_order_asked_for_with_what_the_queue_has_in_all(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(3)
        await place.submit(2, tier="fast")
        await place.submit(1, delay_ms=3_600_000)
        (held,) = await place.take(1)
        await place.end(held, FAILED)
        await place.take(1)
        slow, fast, none = await counted(place, TIER, "fast", "heavy")
        assert (slow.tier, slow.waiting, slow.running) == (TIER, 1, 1)
        assert (fast.tier, fast.waiting, fast.running) == ("fast", 2, 0)
        assert (none.tier, none.waiting, none.running, none.oldest) == ("heavy", 0, 0, None)
        assert {(one.scheduled, one.dead) for one in (slow, fast, none)} == {(1, 1)}


async def test_the_oldest_is_the_one_that_waits_longest_whatever_workers_hold(store: Redis) -> None:
    async with place_in(store) as place:
        (first,) = await place.submit(1)
        while await place.now() <= await queued_ms(place, first.id):
            pass  # the store's clock moves on
        (second,) = await place.submit(1)
        await waits_longest(place, first.id)
        await place.take(1)
        await waits_longest(place, second.id)
        await place.take(1)
        (one,) = await counted(place)
        assert (one.waiting, one.running, one.oldest) == (0, 2, None)


async def test_the_turn_of_a_lane_is_no_job_and_what_waits_in_the_lane_is(store: Redis) -> None:
    async with place_in(store) as place:
        await place.submit(DIRECT, "a")
        in_lane = (await place.submit(2, "a"))[0]
        await place.take(DIRECT)
        (one,) = await counted(place)
        after = await place.now()
        assert (one.waiting, one.running) == (2, DIRECT)
        assert one.oldest is not None
        assert round(one.oldest * 1000) <= after - await queued_ms(place, in_lane.id)
        await place.drain()
        (one,) = await counted(place)
        assert (one.waiting, one.oldest) == (0, None)


async def test_a_queue_that_no_worker_has_joined_is_counted(store: Redis) -> None:
    async with place_in(store) as place:
        await place.gateway.submit("lonely", NewJob(new_token("lonely").id, "k", TIER, "[]"))
        (one,) = await count_queue(store, KEYS, "lonely", [TIER])
        assert (one.waiting, one.running) == (1, 0)
        assert one.oldest is not None
        assert await command(store, "XINFO", "GROUPS", READY.replace("{p}", "{lonely}")) == []


async def test_a_queue_is_asked_once_and_once_for_its_groups(store: Redis) -> None:
    async with place_in(store) as place:
        await place.waiting()  # registers its kind
        kinds = await Registry(store, KEYS).read()
        before = await calls(store)
        await read_queue_stats(store, KEYS, kinds)
        assert await calls(store) - before == 2


async def calls(store: Redis) -> int:
    stats = await store.info("commandstats")
    return int(stats.get("cmdstat_fcall", {"calls": 0})["calls"])
