"""A census of the store: what is served, by whom, and how much waits. For people and probes."""

import msgspec
from redis.asyncio import Redis

from tidings.contract.kind import KindRecord

from .connection import command
from .keys import Keys
from .registry import Registry, WorkerRecord


class QueueCount(msgspec.Struct, frozen=True, kw_only=True):
    """How much lies in one tier of a queue."""

    queue: str
    tier: str
    waiting: int
    running: int
    scheduled: int
    """Of the whole queue."""
    dead: int
    """Of the whole queue."""


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    kinds: list[KindRecord]
    workers: list[WorkerRecord]
    queues: list[QueueCount]

    @property
    def unserved(self) -> list[str]:
        """The queues in which something waits that no worker serves."""
        served = {queue for worker in self.workers for queue in worker.queues}
        return sorted({one.queue for one in self.queues if one.waiting and one.queue not in served})


async def take_census(store: Redis, keys: Keys) -> Census:
    """Return the census of a store.

    Raises:
        StoreError: it cannot be reached.

    """
    registry = Registry(store, keys)
    kinds = sorted((await registry.kinds()).values(), key=lambda kind: kind.kind)
    places = sorted({(kind.queue, kind.tier) for kind in kinds})
    return Census(
        kinds=kinds,
        workers=await registry.workers(),
        queues=[await _count(store, keys, queue, tier) for queue, tier in places],
    )


async def _count(store: Redis, keys: Keys, queue: str, tier: str) -> QueueCount:
    stream = keys.ready(queue, tier)
    total = int(await command(store, "XLEN", stream))
    running = 0
    if await command(store, "EXISTS", stream):
        for group in await command(store, "XINFO", "GROUPS", stream):
            running += int(dict(zip(group[::2], group[1::2], strict=True))[b"pending"])
    return QueueCount(
        queue=queue,
        tier=tier,
        waiting=max(0, total - running),
        running=running,
        scheduled=int(await command(store, "ZCARD", keys.scheduled(queue))),
        dead=int(await command(store, "XLEN", keys.dead(queue))),
    )
