"""Which kinds workers serve at present, as a server knows it: asked every few seconds, not for each submission."""

import anyio

from tidings.broker.error import StoreError
from tidings.broker.registry import Registry, WorkerRecord

LOOK_S = 2.0
"""How often the workers are asked for."""


class Serving:
    """The workers that live, by the kinds that they serve."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._workers: dict[str, list[WorkerRecord]] | None = None

    def serves(self, kind: str, queue: str, tier: str) -> bool:
        """Return whether a worker serves a kind, where its jobs lie; True while that is not known."""
        if self._workers is None:
            return True
        return any(worker.serves(queue, tier) for worker in self._workers.get(kind, ()))

    async def follow(self) -> None:
        """Keep what is known fresh, until cancelled."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_S)

    async def look(self) -> None:
        """Ask now. While the store does not answer nothing is known."""
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
