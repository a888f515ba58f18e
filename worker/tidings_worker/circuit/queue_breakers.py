"""The jobs of one queue before a breaker: when they look again, and who lets them in when it closes."""

import asyncio
from collections.abc import Awaitable, Callable

from tidings.circuit.breaker import Breaker
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.store.attempt_store import AttemptStore

from .guarded_calls import GuardedCalls
from .worker_breakers import WorkerBreakers

RELEASE_AT_ONCE = 500
"""Jobs that one call brings forward."""

AskStore = Callable[..., Awaitable[int]]
"""Asks the store until it answers."""


class QueueBreakers:
    """The breakers as one queue has them."""

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
        """The breakers for which jobs of this queue may wait: of some that were started before this worker."""
        self._wanted = asyncio.Event()
        breakers.watch(self.expect_parked_jobs)

    def definition_of(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant."""
        return self._breakers.definition_of(breaker)

    def guarded_calls(self, kind: str) -> GuardedCalls:
        """Return the calls of one attempt."""
        return GuardedCalls(self._breakers, kind)

    def wait(self, error: CircuitOpenError) -> float:
        """Return the seconds after which a job that may not call looks again."""
        return self._breakers.wait(error.breaker, error.retry_after)

    def expect_parked_jobs(self, breaker: str) -> None:
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
            if await self._ask(self._store.release, breaker, epoch, RELEASE_AT_ONCE) < RELEASE_AT_ONCE:
                return
