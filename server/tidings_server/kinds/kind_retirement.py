"""Retirement: kinds that no worker has served for long leave the registry, unless jobs of their queue still wait."""

import random

import anyio
import structlog

from tidings.store.admin.queue_stats import count_queue
from tidings.store.availability.store_errors import StoreError
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store
from tidings.store.redis.store_clock import store_ms
from tidings.store.registry import Registry

log = structlog.get_logger()

LOOK_S = 3_600.0
"""How often a server looks; each pause is drawn between half and one and a half of it."""


class KindRetirement:
    """Retires kinds. Each server does; that several do is harmless."""

    def __init__(self, store: Store, keys: StoreKeys, registry: Registry, after_s: float) -> None:
        """Prepare.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            registry: the kinds and workers in it.
            after_s: how long after it was last served a kind retires, s.

        """
        self._store = store
        self._keys = keys
        self._registry = registry
        self._after_ms = int(after_s * 1000)

    async def run(self) -> None:
        """Retire what is due, now and then, until cancelled."""
        while True:
            await anyio.sleep(min(LOOK_S, self._after_ms / 1000) * (0.5 + random.random()))  # noqa: S311
            try:
                retired = await self.retire()
            except StoreError:
                continue  # the next round asks again
            if retired:
                log.info("kinds_retired", kinds=retired, unserved_s=self._after_ms / 1000)

    async def retire(self) -> list[str]:
        """Remove the kinds that are due, and return their names.

        A kind whose workers were of a release that did not say when it serves one is counted from now.

        Raises:
            StoreError: the store is unavailable.

        """
        found = await self._registry.read()
        records = found.records
        served = {kind for worker in await self._registry.workers() for kind in worker.kinds}
        last = await self._registry.last_served(records)
        now = await store_ms(self._store)
        await self._registry.backfill_last_served(records.keys() - last.keys(), now)
        due = [
            record
            for name, record in records.items()
            if name not in served and now - last.get(name, now) >= self._after_ms
        ]
        idle = [
            record.kind
            for record in due
            if not await self._waits(found.placements.partitions(record.queue), record.tiers)
        ]
        await self._registry.remove(idle)
        return sorted(idle)

    async def _waits(self, partitions: tuple[str, ...], tiers: tuple[str, ...]) -> bool:
        """Return whether a job of the queue may need the kind yet."""
        for partition in partitions:
            counts = await count_queue(self._store, self._keys, partition, list(tiers))
            if any(one.waiting or one.running or one.scheduled for one in counts):
                return True
        return False
