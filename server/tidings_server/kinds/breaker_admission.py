"""The breakers as a server knows them: what it refuses, or accepts with a warning, while a service fails."""

import asyncio
import time
from collections.abc import Iterable

import anyio

from tidings.circuit.breaker_views import BreakerViews
from tidings.circuit.retry_spacing import OPERATOR_RETRY_S
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import problem_error
from tidings.store.availability.store_errors import StoreError
from tidings.store.breaker_store import BreakerStore, read_view

REFRESH_S = 5.0
"""How often the server asks the store again: announcements may have been missed."""

LEAST_RETRY_S = 1.0
"""The least that the server asks a client to wait: by then the breaker's trial call has perhaps ended."""


class BreakerAdmission:
    """The breakers of the kinds that a server knows. Jobs of other kinds cost it nothing."""

    def __init__(self, store: BreakerStore) -> None:
        self._store = store
        self._views = BreakerViews(time.monotonic)
        self._names: set[str] = set()
        self._stale = asyncio.Event()

    def serve(self, kinds: Iterable[KindRecord]) -> None:
        """Know the breakers of these kinds, and no others."""
        self._names = {kind.breaker for kind in kinds if kind.breaker is not None}
        for name in set(self._views.names) - self._names:
            self._views.forget(name)
        self._stale.set()

    def hear(self, data: bytes) -> None:
        """Take an announcement."""
        view = read_view(data)
        if view.name in self._names:
            self._views.take(view)

    def reopened(self) -> None:
        """Ask the store: announcements may have been missed."""
        self._stale.set()

    def is_open(self, kind: KindRecord) -> bool:
        """Return whether the breaker of a kind, if it has one, is not closed."""
        if kind.breaker is None:
            return False
        known = self._views[kind.breaker]
        return known is not None and not known.closed

    def admit(self, kind: KindRecord) -> None:
        """Let a submission through, unless its job would fail at once.

        Raises:
            ProblemError: `circuit_open`, with the time after which another try makes sense.

        """
        if kind.breaker is None or kind.when_open != "fail":
            return
        wait = self._views.wait(kind.breaker)
        if wait > 0:
            raise problem_error(
                "circuit_open",
                f"{kind.kind} depends on a service that is failing (breaker {kind.breaker}); try again later",
                retry_after=round(min(max(wait, LEAST_RETRY_S), OPERATOR_RETRY_S), 3),
            )

    async def follow(self) -> None:
        """Keep the breakers fresh, until cancelled."""
        while True:
            with anyio.move_on_after(REFRESH_S):
                await self._stale.wait()
            self._stale.clear()
            await self._refresh()

    async def _refresh(self) -> None:
        asked = self._views.revision
        looks = [self._store.look(name) for name in sorted(self._names)]
        for look in looks:
            try:
                stepped = await look
            except StoreError:
                continue  # the health check reports the loss; the next round asks again
            if stepped.view.name in self._names:
                self._views.take(stepped.view, asked)
