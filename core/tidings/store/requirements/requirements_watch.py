"""What the store lacks, asked once by a server that is mounted in an application: nothing keeps that from starting."""

import asyncio
from collections.abc import Sequence

from tidings.settings.settings import StoreSettings
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.single_store import Store

from .shortfall import Shortfall
from .start_check import find_shortfalls, tell_shortfalls


class RequirementsWatch:
    """What one process knows of it."""

    def __init__(self, store: Store, settings: StoreSettings) -> None:
        self._store = store
        self._settings = settings
        self.refusing: Sequence[Shortfall] = ()
        """What the store lacks that cannot be done without."""
        self.looked: asyncio.Event = asyncio.Event()
        """Set when the store has answered."""

    async def run(self) -> None:
        """Ask until the store answers, and log what it lacks."""
        failures = 0
        while not self.looked.is_set():
            try:
                lacking = await find_shortfalls(self._store, self._settings)
            except StoreError:
                failures += 1
                await asyncio.sleep(store_retry_delay(failures))
            else:
                self.refusing = [one for one in lacking if one.refuses]
                tell_shortfalls(lacking)
                self.looked.set()
