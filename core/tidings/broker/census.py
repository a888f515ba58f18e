"""A census of the store: what is served, by whom, and how much waits. For people and probes."""

import asyncio
from collections.abc import Iterable

import msgspec
import structlog
from redis.asyncio import Redis

from tidings.contract.kind import KindRecord

from .connection import command
from .error import StoreError
from .keys import Keys
from .paused import Paused
from .registry import Registry, WorkerRecord
from .script import Script

log = structlog.get_logger()

_COUNT = Script("count", tuple[int, int, int, list[tuple[int, int, int]]])


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
    oldest: float | None = None
    """How long the one that waits longest has been in line for a worker, s by the store's clock; None: none is."""


class StoreMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What the store holds in memory, bytes."""

    used: int | None = None
    """None: it does not tell."""
    limit: int | None = None
    """`maxmemory`; None: it has none, or does not tell."""


RATE_VALID_MS = 30_000
"""A drain rate that nobody has renewed for so long says nothing any more (as in submit.lua)."""


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    kinds: list[KindRecord]
    workers: list[WorkerRecord]
    queues: list[QueueCount]
    paused: list[str] = []
    """Queues whose workers take nothing, as an operator said."""

    @property
    def unserved(self) -> list[str]:
        """Where something waits that no worker serves: a queue, or `queue/tier` if only that tier is meant."""
        found = set()
        for one in self.queues:
            if one.waiting and not self.serves(one.queue, one.tier):
                known = any(one.queue in worker.queues for worker in self.workers)
                found.add(f"{one.queue}/{one.tier}" if known else one.queue)
        return sorted(found)

    def serves(self, queue: str, tier: str) -> bool:
        """Return whether any worker that lives takes jobs of a tier of a queue."""
        return any(worker.serves(queue, tier) for worker in self.workers)


async def take_census(store: Redis, keys: Keys, known: Iterable[KindRecord] | None = None) -> Census:
    """Return the census of a store.

    Args:
        store: a client of it.
        keys: the names of the namespace.
        known: its kinds, from one who knows them; None: they are asked for.

    Raises:
        StoreError: it cannot be reached.

    """
    registry = Registry(store, keys)
    found = (await registry.kinds()).values() if known is None else known
    kinds = sorted(found, key=lambda kind: kind.kind)
    tiers: dict[str, set[str]] = {}
    for kind in kinds:
        tiers.setdefault(kind.queue, set()).update(kind.tiers)
    counts = (count_queue(store, keys, queue, sorted(names)) for queue, names in sorted(tiers.items()))
    return Census(
        kinds=kinds,
        workers=await registry.workers(),
        paused=sorted(await Paused(store, keys).queues()),
        queues=[one for queue in await asyncio.gather(*counts) for one in queue],
    )


async def count_queue(store: Redis, keys: Keys, queue: str, tiers: list[str]) -> list[QueueCount]:
    """Return how much lies in some tiers of a queue, counted at one moment.

    Raises:
        StoreError: the store cannot be reached.

    """
    now, scheduled, dead, counted = await _COUNT(store, keys.root(queue), (tiers,))
    return [
        QueueCount(
            queue=queue,
            tier=tier,
            waiting=waiting,
            running=running,
            scheduled=scheduled,
            dead=dead,
            oldest=max(now - since, 0) / 1000 if since else None,
        )
        for tier, (waiting, running, since) in zip(tiers, counted, strict=True)
    ]


async def drain_rate(store: Redis, keys: Keys, queue: str, tier: str, now: int) -> float | None:
    """Return the jobs a second that leave the line of a tier, measured while there is one; None: unknown.

    Args:
        store: a client of it.
        keys: the names of the namespace.
        queue: whose tier it is.
        tier: which.
        now: the store's time, ms since the epoch.

    Raises:
        StoreError: the store cannot be reached.

    """
    since, rate = await command(store, "HMGET", keys.flow(queue, tier), "since", "rate")
    if since is None or rate is None or now - int(since) > RATE_VALID_MS:
        return None
    return float(rate)


async def store_memory(store: Redis) -> StoreMemory:
    """Return what the store holds in memory; nothing where it does not tell, as to a user who may not ask."""
    try:
        info = await command(store, "INFO", "memory")
    except StoreError as error:
        log.debug("store_tells_no_memory", error=str(error))
        return StoreMemory()
    return StoreMemory(used=info.get("used_memory"), limit=info.get("maxmemory") or None)
