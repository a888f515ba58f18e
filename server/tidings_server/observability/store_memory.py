"""The store's memory: a warning before it is full, while operators can still act."""

import anyio
import structlog
from redis.asyncio import Redis

from tidings.store.admin.queue_stats import NEARLY_FULL, StoreMemory, store_memory

log = structlog.get_logger()

LOOK_S = 5.0
"""Time between two looks."""


class StoreMemoryWatch:
    """Watches the store's memory for this process."""

    def __init__(self, store: Redis) -> None:
        self._store = store
        self.nearly_full = False
        """Whether the store uses more than the share `NEARLY_FULL` of its memory."""

    async def run(self) -> None:
        """Look every `LOOK_S`, until cancelled; log when the store becomes nearly full, and when it has space again."""
        while True:
            self.note(await store_memory(self._store))
            await anyio.sleep(LOOK_S)

    def note(self, memory: StoreMemory) -> None:
        """Compare a measurement with the one before."""
        if memory.nearly_full == self.nearly_full:
            return
        self.nearly_full = memory.nearly_full
        told = {"used_bytes": memory.used, "limit_bytes": memory.limit}
        if self.nearly_full:
            advice = "give the store more, or see whose jobs wait: a full one takes no work"
            log.warning("store_nearly_full", **told, share=NEARLY_FULL, help=advice)
        else:
            log.info("store_has_space", **told)
