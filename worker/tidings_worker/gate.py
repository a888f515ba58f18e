"""The jobs of one queue before a breaker: when they look again, and who lets them in when it closes."""

import asyncio
from collections.abc import Awaitable, Callable

from tidings.breaker.error import CircuitOpenError
from tidings.breaker.policy import Breaker
from tidings.broker.worker import WorkerStore

from .breaker import Breakers, Passages

MOST = 500
"""Jobs that one call brings forward."""

Try = Callable[..., Awaitable[int]]
"""Asks the store until it answers."""


class Gate:
    """The breakers as one queue has them."""

    def __init__(self, store: WorkerStore, breakers: Breakers, ask: Try) -> None:
        """Prepare.

        Args:
            store: the queue's partition.
            breakers: those of the worker.
            ask: asks the store until it answers.

        """
        self._store = store
        self._breakers = breakers
        self._ask = ask
        self._may_wait = set(breakers.of_kinds)
        """The breakers for which jobs of this queue may wait: of some that were started before this worker."""
        self._wanted = asyncio.Event()
        breakers.watch(self.held)

    def meant(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant."""
        return self._breakers.meant(breaker)

    def passages(self, kind: str) -> Passages:
        """Return the calls of one attempt."""
        return Passages(self._breakers, kind)

    def wait(self, error: CircuitOpenError) -> float:
        """Return the seconds after which a job that may not call looks again."""
        return self._breakers.wait(error.breaker, error.retry_after)

    def held(self, breaker: str) -> None:
        """Take note that jobs may wait for a breaker, or that it has come into another state."""
        self._may_wait.add(breaker)
        self._wanted.set()

    async def run(self) -> None:
        """Let in the jobs that wait for breakers that have closed, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            for breaker in sorted(self._may_wait):
                await self._let_in(breaker)

    async def _let_in(self, breaker: str) -> None:
        while (epoch := self._breakers.epoch_if_closed(breaker)) is not None:
            self._may_wait.discard(breaker)  # before the call: what begins to wait meanwhile is not forgotten
            if await self._ask(self._store.release, breaker, epoch, MOST) < MOST:
                return
