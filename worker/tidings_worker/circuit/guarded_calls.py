"""The calls that one attempt makes behind circuit breakers."""

import itertools
import time

from tidings.circuit.breaker import Breaker

from .worker_breakers import AdmittedCall, WorkerBreakers


class GuardedCalls:
    """The calls of one attempt."""

    def __init__(self, breakers: WorkerBreakers, kind: str) -> None:
        self._breakers = breakers
        self._kind = kind
        self._inside: dict[str, AdmittedCall] = {}
        self._numbers = itertools.count(1)

    async def enter(self, breaker: Breaker) -> str:
        """Return a ticket for one call.

        Raises:
            CircuitOpenError: the breaker is open.

        """
        one = await self._breakers.enter(breaker)
        ticket = str(next(self._numbers))
        self._inside[ticket] = one
        return ticket

    def begin(self, ticket: str) -> None:
        """Count the time of a call from now."""
        if ticket in self._inside:
            self._inside[ticket].began = time.monotonic()

    def leave(self, ticket: str, result: str, text: str, *, timed_out: bool = False) -> None:
        """Take note of how a call ended; one that was broken off because of the attempt's time limit failed."""
        one = self._inside.pop(ticket, None)
        if one is None:
            return
        if timed_out and result == "void" and one.breaker.counts(TimeoutError):
            result, text = "failures", "the attempt took longer than it may"
        self._breakers.leave(one, result, self._kind, text)

    def end(self, *, timed_out: bool) -> None:
        """The attempt is over: so are the calls that have not ended."""
        for ticket in list(self._inside):
            self.leave(ticket, "void", "", timed_out=timed_out)
