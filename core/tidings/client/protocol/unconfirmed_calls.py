"""Calls that the store has done and its replicas have not confirmed in time: the client sends them again. No I/O.

The answer `unconfirmed` says that a failover may still undo the call, and that the same again under the same key makes
nothing twice and waits for the replicas once more. Every submit and signal of the client has a key, and a second cancel
does no harm. So the client need not leave the caller with a job of which it has no token.
"""

from typing import Final

from tidings.protocol.problems import Problem

from .tracked_job import JobCommand, TrackedJob

UNCONFIRMED: Final = "unconfirmed"

MAX_UNCONFIRMED: Final = 5
"""Answers in a row without a confirmation, after which the client gives the last one to the caller."""


class UnconfirmedCalls:
    """Those of one client that wait until they are sent again."""

    def __init__(self) -> None:
        self._waiting: dict[TrackedJob | JobCommand, None] = {}
        self._new: list[tuple[TrackedJob | JobCommand, Problem]] = []

    def postpone(self, call: TrackedJob | JobCommand, why: Problem) -> bool:
        """Keep a call that a server refused if it is to be sent again; return whether it is."""
        if why.code != UNCONFIRMED:
            return False
        call.unconfirmed += 1
        if call.unconfirmed >= MAX_UNCONFIRMED:
            return False
        self._waiting[call] = None
        self._new.append((call, why))
        return True

    def take(self) -> list[tuple[TrackedJob | JobCommand, Problem]]:
        """Return the calls that have been postponed since the last call: to be passed to `release` after a while."""
        new, self._new = self._new, []
        return new

    def release(self, call: TrackedJob | JobCommand) -> bool:
        """Return whether a call still waits to be sent; from now on it does not."""
        waits = call in self._waiting
        self._waiting.pop(call, None)
        return waits

    def clear(self) -> None:
        """Forget all: a new socket is sent everything that has no answer."""
        self._waiting.clear()
        self._new.clear()
