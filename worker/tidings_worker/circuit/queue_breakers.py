"""The jobs of one queue that wait for breakers: when they try again, and their release when a breaker closes."""

import asyncio
from collections.abc import Awaitable, Callable

from tidings.circuit.breaker import Breaker
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.store.attempts.attempt_store import AttemptStore

from .guarded_calls import GuardedCalls
from .worker_breakers import WorkerBreakers

RELEASE_AT_ONCE = 500
"""Jobs that one call of the store releases."""

AskStore = Callable[..., Awaitable[int]]
"""Asks the store until it answers."""


class QueueBreakers:
    """The breakers of one queue."""

    def __init__(self, store: AttemptStore, breakers: WorkerBreakers, ask: AskStore) -> None:
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
        """The breakers for which jobs of this queue may wait; they may have begun to before this worker started."""
        self._wanted = asyncio.Event()
        breakers.watch(self.expect_parked_jobs)

    def definition_of(self, breaker: str | Breaker) -> Breaker:
        """Return the definition of a breaker."""
        return self._breakers.definition_of(breaker)

    def guarded_calls(self, kind: str) -> GuardedCalls:
        """Return the calls of one attempt."""
        return GuardedCalls(self._breakers, kind)

    def wait(self, error: CircuitOpenError) -> float:
        """Return the seconds after which a job that the breaker refused tries again."""
        return self._breakers.wait(error.breaker, error.retry_after)

    def expect_parked_jobs(self, breaker: str) -> None:
        """Look for jobs that wait for a breaker: one may wait since now, or the breaker has changed its state."""
        self._may_wait.add(breaker)
        self._wanted.set()

    async def run(self) -> None:
        """Release the jobs that wait for breakers that have closed, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            for breaker in sorted(self._may_wait):
                await self._release(breaker)

    async def _release(self, breaker: str) -> None:
        while (epoch := self._breakers.epoch_if_closed(breaker)) is not None:
            self._may_wait.discard(breaker)  # before the call: a job that begins to wait meanwhile adds it again
            if await self._ask(self._store.release, breaker, epoch, RELEASE_AT_ONCE) < RELEASE_AT_ONCE:
                return
