"""Kinds that no worker has served for long leave the registry; those that jobs may need stay."""

import msgspec
from redis.asyncio import Redis

from support.stores.channels import subscribe
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store, command
from tidings.store.registry import SEEN_S, Registry, WorkerRecord
from tidings_server.kinds.kind_retirement import KindRetirement
from tiers.place import KEYS, place_in

RAW = msgspec.Raw(b"{}")
DAY_S = 86_400.0


def record(kind: str, queue: str = "p") -> KindRecord:
    return KindRecord(kind=kind, queue=queue, input=RAW, result=RAW)


def retirement(store: Redis) -> KindRetirement:
    assert isinstance(store, Store)
    return KindRetirement(store, KEYS, Registry(store, KEYS), DAY_S)


async def served_before(store: Redis, kind: str, seconds: float) -> None:
    """Have a kind be said to be served so long ago."""
    now, _ = await command(store, "TIME")
    await command(store, "ZADD", KEYS.kinds_seen, int((int(now) - seconds) * 1000), kind)


async def test_a_kind_that_was_served_long_ago_retires_and_gateways_are_told(store: Redis) -> None:
    registry = Registry(store, KEYS)
    await registry.register([record("old"), record("fresh")])
    await served_before(store, "old", 2 * DAY_S)
    async with store.pubsub() as heard:
        await subscribe(heard, store, KEYS.kinds_changed)
        await heard.get_message(timeout=5)
        assert await retirement(store).retire() == ["old"]
        message = await heard.get_message(timeout=5)
    assert message["data"] == b"old"
    assert set(await registry.kinds()) == {"fresh"}
    assert await registry.last_served(["old"]) == {}


async def test_one_that_a_worker_serves_stays_however_long_it_was_not_said(store: Redis) -> None:
    registry = Registry(store, KEYS)
    await registry.register([record("old")])
    await served_before(store, "old", 2 * DAY_S)
    worker = WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["old"], queues=["p"], slots=1)
    await registry.heartbeat(worker, 60)
    assert await retirement(store).retire() == []


async def test_one_in_whose_queue_jobs_wait_stays(store: Redis) -> None:
    async with place_in(store) as place:
        await Registry(store, KEYS).register([record("k")])
        for delay_ms in (0, 3_600_000):
            (job,) = await place.submit(1, delay_ms=delay_ms)
            await served_before(store, "k", 2 * DAY_S)
            assert await retirement(store).retire() == []
            await place.drain()
            await command(store, "DEL", KEYS.scheduled("p"), KEYS.job("p", job.id))
        assert await retirement(store).retire() == ["k"]


async def test_one_of_which_it_was_never_said_is_counted_from_now(store: Redis) -> None:
    await command(store, "HSET", KEYS.kinds, "old", msgspec.json.encode(record("old")))
    assert await retirement(store).retire() == []
    assert set(await Registry(store, KEYS).last_served(["old"])) == {"old"}
    await served_before(store, "old", 2 * DAY_S)
    assert await retirement(store).retire() == ["old"]


async def test_a_worker_writes_that_it_serves_now_and_then_and_not_with_each_beat(store: Redis) -> None:
    registry = Registry(store, KEYS)
    await registry.register([record("k")])
    await served_before(store, "k", 2 * DAY_S)
    await registry.register([record("k")])
    assert (await registry.last_served(["k"]))["k"] < 10**15
    before = (await registry.last_served(["k"]))["k"]
    registry._seen_s -= SEEN_S
    await registry.register([record("k")])
    assert (await registry.last_served(["k"]))["k"] > before
    assert StoreKeys().kinds_seen == KEYS.kinds_seen
