"""The store's memory: a warning before it is full, when there is still time to do something about it."""

import anyio
import structlog
from redis.asyncio import Redis

from tidings.store.admin.queue_stats import NEARLY_FULL, StoreMemory, store_memory

log = structlog.get_logger()

LOOK_S = 5.0
"""Time between two looks."""


class StoreMemoryWatch:
    """What this process knows of the store's memory."""

    def __init__(self, store: Redis) -> None:
        self._store = store
        self.nearly_full = False
        """Whether the store holds more than a share of what it may."""

    async def run(self) -> None:
        """Look now and then, until cancelled; say once that it is nearly full, and that it is no more."""
        while True:
            self.note(await store_memory(self._store))
            await anyio.sleep(LOOK_S)

    def note(self, memory: StoreMemory) -> None:
        """Take note of what the store holds."""
        if memory.nearly_full == self.nearly_full:
            return
        self.nearly_full = memory.nearly_full
        told = {"used_bytes": memory.used, "limit_bytes": memory.limit}
        if self.nearly_full:
            advice = "give the store more, or see whose jobs wait: a full one takes no work"
            log.warning("store_nearly_full", **told, share=NEARLY_FULL, help=advice)
        else:
            log.info("store_has_space", **told)
