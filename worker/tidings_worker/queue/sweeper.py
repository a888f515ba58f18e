"""The sweeper: it clears away from time to time what dead workers left in the store. Every worker has one.

Only the store's memory depends on it, so a sweep that fails simply waits for the next.
"""

import asyncio
import random

import structlog

from tidings.store.attempts.attempt_store import AttemptStore, SweepReply
from tidings.store.availability.store_errors import StoreError
from tidings.store.registry import Registry

from .upkeep_duty import UpkeepDuty

log = structlog.get_logger()

IDLE_LEASES = 10
"""Leases after which a silent consumer counts as idle. One that lives asks for jobs every few seconds, unless all its
slots are taken; then the registry knows that it lives."""

IDLE_LEAST_S = 10.0
"""The same in seconds at the least: longer than a worker waits in one read, whatever the lease."""


class Sweeper:
    """Sweeps one queue, a bounded part of its keys at a time."""

    def __init__(
        self,
        store: AttemptStore,
        registry: Registry,
        tiers: list[str],
        every_s: float,
        lease_s: float,
        duty: UpkeepDuty,
    ) -> None:
        """Prepare.

        Args:
            store: the queue's partition.
            registry: knows which workers live.
            tiers: the tiers whose consumers it looks at.
            every_s: how often, s; each pause is drawn between half and one and a half of it, so that
                workers that were started together do not all sweep together.
            lease_s: how long a job is left to a worker without a heartbeat, s.
            duty: says whether this worker is one of those that sweep so often; others do so seldom.

        """
        self._store = store
        self._registry = registry
        self._tiers = tiers
        self._every_s = every_s
        self._idle_s = max(IDLE_LEASES * lease_s, IDLE_LEAST_S)
        self._duty = duty
        self._cursor = "0"
        self._begun = asyncio.Event()
        duty.watch(self._begun)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            self._begun.clear()
            await self._duty.rest(self._every_s * (0.5 + random.random()), self._begun)  # noqa: S311
            try:
                swept = await self.sweep()
            except StoreError:
                continue
            if swept.lost:
                log.warning("lost_jobs_found", queue=self._store.partition, jobs=swept.lost)
            if swept.consumers or swept.logs or swept.records:
                log.debug(
                    "swept",
                    queue=self._store.partition,
                    consumers=swept.consumers,
                    logs=swept.logs,
                    records=swept.records,
                )

    async def sweep(self) -> SweepReply:
        """Sweep once, from where the last time ended.

        Raises:
            StoreError: the store did not sweep; the next sweep begins at the same place.

        """
        # The living come first: a worker that registers after this has only just begun, and is not idle.
        living = await self._registry.living()
        swept = await self._store.sweep(self._tiers, living, self._idle_s, self._cursor)
        self._cursor = swept.cursor
        return swept
