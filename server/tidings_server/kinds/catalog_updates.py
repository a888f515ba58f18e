"""Keeping the catalog of kinds as the registry has it."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import structlog

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.placement.placement_store import PlacementStore
from tidings.store.registry import Registry

from .kind_catalog import KindCatalog
from .partition_choice import PartitionChoice
from .served_kinds import ServedKinds

log = structlog.get_logger()

LEFT_OUT_HELP = "the other kinds are served; start a worker that registers this one again, or `tidings kinds remove` it"
"""What an operator does about a kind that cannot be used."""


class CatalogUpdates:
    """Reads the registry whenever a worker has changed it, and makes a new catalog of it."""

    def __init__(
        self,
        registry: Registry,
        served_kinds: ServedKinds,
        placements: PlacementStore,
        partition_choice: PartitionChoice,
        on_change: Callable[[KindCatalog], Awaitable[None]],
    ) -> None:
        """Begin with a catalog that holds no kind.

        Args:
            registry: where workers register kinds.
            served_kinds: which workers serve them; it is renewed before a new kind is known.
            placements: of queues; kinds that must share one partition are kept at home before they are known.
            partition_choice: decides to which partitions jobs go; `on_change` has it use the new placements.
            on_change: called with each new catalog; may fail with `StoreError`, and is then called again.

        """
        self.catalog = KindCatalog()
        self.partition_choice = partition_choice
        self.known = asyncio.Event()
        """Set once the registry has been read."""
        self._registry = registry
        self._placements = placements
        self._served_kinds = served_kinds
        self._on_change = on_change
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Take note that the registry has changed, or that a change may have been missed."""
        self._changed.set()

    async def run(self) -> None:
        """Keep the catalog fresh, until cancelled."""
        failures = 0
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._read()
                await self._on_change(self.catalog)
                self.known.set()
                failures = 0
            except StoreError:
                failures += 1
                await anyio.sleep(store_retry_delay(failures))
                self._changed.set()

    async def _read(self) -> None:
        found = await self._registry.read()
        placements = await self._placements.keep_at_home(found.placements, found.records)
        # A worker announces itself before it registers its kinds. So a client that submits one finds it served.
        await self._served_kinds.look()
        await self._served_kinds.remember(found.records.keys())
        before, catalog = self.catalog, KindCatalog(found.records.values(), self.catalog)
        catalog.placements = placements
        self.catalog = catalog
        self.catalog.left_out |= found.left_out
        for name, why in self.catalog.left_out.items():
            if before.left_out.get(name) != why:
                log.error("kind_left_out", kind=name, error=why, help=LEFT_OUT_HELP)
