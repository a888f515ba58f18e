"""Queues, workers and breakers at one moment, read from the store."""

import asyncio

import msgspec
from redis.asyncio import Redis

from tidings.store.admin.delivery_counts import QueueDeliveries
from tidings.store.admin.queue_stats import (
    MissingParts,
    QueueCount,
    QueueStats,
    drain_rates,
    read_queue_stats,
    store_memory,
)
from tidings.store.breaker_store import BreakerStore
from tidings.store.groups.group_counts import GroupCount
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_clock import store_ms
from tidings.store.registry import WorkerRecord


class TierRow(msgspec.Struct, frozen=True, kw_only=True):
    """One tier of a queue."""

    queue: str
    tier: str
    waiting: int
    oldest: float | None
    """How long the oldest waiting job has waited for a worker, s; None: none waits."""
    running: int
    scheduled: int
    """Of the whole queue."""
    dead: int
    """Of the whole queue."""
    growth: float | None
    """Jobs a second by which the waiting jobs have grown since the last poll; None: this is the first."""
    drains: float | None
    """Jobs a second that leave the queue, measured while jobs wait; None: unknown."""
    eta: float | None
    """Seconds until a job submitted now would start; None: unknown."""
    served: bool
    """Whether a live worker serves it."""


class BreakerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One circuit breaker."""

    breaker: str
    state: str
    since: int
    """When it entered that state, ms since the epoch; 0: it has never been in another."""
    opened: int
    """How often it has opened."""
    reason: str
    last: str
    """Its last failure; empty: none is known."""


class PollResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    at: int
    """ms since the epoch, by the store's clock."""
    key_prefix: str
    """What stands before the name of every key of the installation."""
    paused: list[str]
    """Queues whose workers take nothing, as an operator said."""
    tiers: list[TierRow]
    """The most waiting first."""
    workers: list[WorkerRecord]
    breakers: list[BreakerRow]
    """Those that are not closed first."""
    groups: list[GroupCount]
    """Those that are furthest behind first."""
    deliveries: list[QueueDeliveries]
    """Those that have waited longest first."""
    memory: int | None
    """Bytes the store uses; None: the store does not say."""
    limit: int | None
    """The bytes it may use; None: it has no limit, or does not say."""
    missing: MissingParts | None = None
    """What nodes of a cluster that do not answer keep from it; None: nothing."""


class Poller:
    """Reads a store again and again."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys
        self._before: tuple[int, dict[tuple[str, str], int]] | None = None
        """When the last poll was, and how many jobs waited in each tier."""
        self._stats: QueueStats | None = None
        """The last census."""

    async def poll(self) -> PollResult:
        """Return queues, workers and breakers as they are now.

        Raises:
            StoreError: the store is unavailable.

        """
        stats, memory, now = await asyncio.gather(
            read_queue_stats(self._store, self._keys, deliveries=True, before=self._stats),
            store_memory(self._store),
            store_ms(self._store),
        )
        self._stats = stats
        breakers = [] if stats.missing is not None and stats.missing.breakers else await self._breakers()
        drains = await drain_rates(self._store, self._keys, stats.queues, now)
        tiers = [self._tier(one, rate, stats, now) for one, rate in zip(stats.queues, drains, strict=True)]
        self._before = now, {(one.queue, one.tier): one.waiting for one in tiers}
        return PollResult(
            at=now,
            key_prefix=self._keys.prefix,
            paused=stats.paused,
            tiers=sorted(tiers, key=lambda one: (-one.waiting, one.queue, one.tier)),
            workers=stats.workers,
            breakers=breakers,
            groups=sorted(stats.groups, key=lambda one: (-(one.behind or 0), one.group, one.queue)),
            deliveries=sorted(stats.deliveries, key=lambda one: (-(one.oldest or 0), one.queue)),
            memory=memory.used,
            limit=memory.limit,
            missing=stats.missing,
        )

    def _tier(self, one: QueueCount, drains: float | None, stats: QueueStats, now: int) -> TierRow:
        growth = None
        if self._before is not None and now > self._before[0]:
            at, waited = self._before
            growth = (one.waiting - waited.get((one.queue, one.tier), 0)) * 1000 / (now - at)
        return TierRow(
            queue=one.queue,
            tier=one.tier,
            waiting=one.waiting,
            oldest=one.oldest,
            running=one.running,
            scheduled=one.scheduled,
            dead=one.dead,
            growth=growth,
            drains=drains,
            eta=0.0 if not one.waiting else one.waiting / drains if drains else None,
            served=stats.serves(one.queue, one.tier),
        )

    async def _breakers(self) -> list[BreakerRow]:
        found = [
            BreakerRow(
                breaker=one.name,
                state=one.machine.state,
                since=one.machine.since,
                opened=one.machine.opened,
                reason=one.machine.reason,
                last=one.machine.notes[-1].text if one.machine.notes else "",
            )
            for one in await BreakerStore(self._store, self._keys).shown()
        ]
        return sorted(found, key=lambda one: (one.state == "closed", one.breaker))
