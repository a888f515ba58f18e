"""A census of the store: what is served, by whom, and how much waits. For people and probes."""

import msgspec
from redis.asyncio import Redis

from tidings.contract.kind import KindRecord

from .connection import command
from .keys import Keys
from .registry import Registry, WorkerRecord
from .script import Script

_COUNT = Script("count", list[tuple[int, int]])


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
        """Where something waits that no worker serves: a queue, or `queue/tier` if only that tier is meant."""
        found = set()
        for one in self.queues:
            serving = [worker for worker in self.workers if one.queue in worker.queues]
            if one.waiting and not any(not worker.tiers or one.tier in worker.tiers for worker in serving):
                found.add(f"{one.queue}/{one.tier}" if serving else one.queue)
        return sorted(found)


async def take_census(store: Redis, keys: Keys) -> Census:
    """Return the census of a store.

    Raises:
        StoreError: it cannot be reached.

    """
    registry = Registry(store, keys)
    kinds = sorted((await registry.kinds()).values(), key=lambda kind: kind.kind)
    places = sorted({(kind.queue, tier) for kind in kinds for tier in kind.tiers})
    return Census(
        kinds=kinds,
        workers=await registry.workers(),
        queues=[await _count(store, keys, queue, tier) for queue, tier in places],
    )


async def _count(store: Redis, keys: Keys, queue: str, tier: str) -> QueueCount:
    ((waiting, running),) = await _COUNT(store, keys.root(queue), ([tier],))
    return QueueCount(
        queue=queue,
        tier=tier,
        waiting=waiting,
        running=running,
        scheduled=int(await command(store, "ZCARD", keys.scheduled(queue))),
        dead=int(await command(store, "XLEN", keys.dead(queue))),
    )
