"""Which kinds workers serve at present: the server asks the store when a worker comes or leaves, and now and then."""

import asyncio
from collections.abc import Collection
from time import monotonic

import anyio

from tidings.protocol.kinds.kind_record import KindRecord
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
        self._answers: dict[tuple[str, int, str, str], bool] = {}
        """What `serves` has returned since the store was asked last: kind, version, queue, tier → whether."""
        self._changed = asyncio.Event()
        self._served_at: dict[str, float] = {}
        """Kind → when a worker was last known to serve it, by this process's clock, s; only of registered kinds."""

    def serves(self, record: KindRecord, tier: str) -> bool:
        """Return whether a worker serves a kind in its version, where its jobs lie; True while that is not known."""
        if self._workers is None:
            return True
        asked = kind, version, queue, _ = record.kind, record.version, record.queue, tier
        answer = self._answers.get(asked)
        if answer is None:
            workers = self._workers.get(kind, ())
            answer = any(worker.serves(queue, tier) and worker.serves_kind(kind, version) for worker in workers)
            self._answers[asked] = answer
        return answer

    def unserved_s(self, kind: str) -> float:
        """Return how long no worker has served a kind, s, as far as this server knows; 0: one does."""
        served_at = self._served_at.get(kind)
        return 0.0 if served_at is None else monotonic() - served_at

    async def remember(self, kinds: Collection[str]) -> None:
        """Take note of which kinds are registered, and when each was last served.

        Raises:
            StoreError: the store is unavailable.

        """
        new = [kind for kind in kinds if kind not in self._served_at]
        last = await self._registry.last_served(new)
        now_ms = await self._registry.now_ms() if last else 0
        ages = {kind: max(now_ms - at_ms, 0) / 1000 for kind, at_ms in last.items()}
        known = self._served_at | {kind: monotonic() - ages.get(kind, 0.0) for kind in new}
        self._served_at = {kind: known[kind] for kind in kinds}
        self._note_served()

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
        self._workers, self._answers = found, {}
        self._note_served()

    def _note_served(self) -> None:
        now = monotonic()
        for kind in self._workers or ():
            if kind in self._served_at:
                self._served_at[kind] = now
