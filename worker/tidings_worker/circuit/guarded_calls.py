"""The calls that one attempt makes behind circuit breakers."""

import itertools

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import CallResult

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
        """Count the time of a call from now, not from the moment the breaker let it through."""
        if ticket in self._inside:
            self._inside[ticket].began = self._breakers.clock()

    def leave(self, ticket: str, result: str, text: str, *, timed_out: bool = False) -> None:
        """Count how a call ended; one that the attempt's time limit broke off has failed."""
        one = self._inside.pop(ticket, None)
        if one is None:
            return
        found = CallResult(result)
        if timed_out and found is CallResult.VOID and one.breaker.counts(TimeoutError):
            found, text = CallResult.FAILURES, "the attempt took longer than it may"
        self._breakers.leave(one, found, self._kind, text)

    def end(self, *, timed_out: bool) -> None:
        """End the calls that have not ended: the attempt is over."""
        for ticket in list(self._inside):
            self.leave(ticket, CallResult.VOID, "", timed_out=timed_out)
