"""Which kinds workers serve at present: the server asks the store when a worker comes or leaves, and now and then."""

import asyncio

import anyio

from tidings.store.availability.store_errors import StoreError
from tidings.store.registry import Registry, WorkerRecord

LOOK_S = 2.0
"""The longest time between two questions: workers that die announce nothing."""

PAUSE_S = 0.1
"""The shortest time between two questions, however many workers come and leave."""


class ServedKinds:
    """The workers that live, by the kinds that they serve."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._workers: dict[str, list[WorkerRecord]] | None = None
        self._changed = asyncio.Event()

    def serves(self, kind: str, queue: str, tier: str) -> bool:
        """Return whether a worker serves a kind, where its jobs lie; True while that is not known."""
        if self._workers is None:
            return True
        return any(worker.serves(queue, tier) for worker in self._workers.get(kind, ()))

    def changed(self) -> None:
        """Take note that a worker has come or left, or that its announcement may have been missed."""
        self._changed.set()

    async def follow(self) -> None:
        """Keep the list of workers fresh, until cancelled."""
        while True:
            self._changed.clear()
            await self.look()
            await anyio.sleep(PAUSE_S)
            with anyio.move_on_after(LOOK_S):
                await self._changed.wait()

    async def look(self) -> None:
        """Ask now. While the store does not answer, nothing is known."""
        try:
            workers = await self._registry.workers()
        except StoreError:
            self._workers = None
            return
        found: dict[str, list[WorkerRecord]] = {}
        for worker in workers:
            for kind in worker.kinds:
                found.setdefault(kind, []).append(worker)
        self._workers = found
