"""A timer for what a socket has to do before its next tick: a credential or a grant that lasts for seconds."""

import asyncio
import time
from collections.abc import Callable

SOON_S = 2.0
"""What is due later is left to the ticks of all sockets, one a second."""

LEAST_S = 0.01
"""The shortest wait: the clock that says when something is due may be coarse."""


class DueTimer:
    """Calls back once when something is due soon. A socket of which nothing is has no timer."""

    __slots__ = ("_due", "_handle")

    def __init__(self, due: Callable[[], None]) -> None:
        self._due = due
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, due_at: float) -> None:
        """Call back at `due_at`, s since the epoch, if that is soon; an earlier call of this counts no more."""
        self.cancel()
        left = due_at - time.time()
        if left < SOON_S:
            self._handle = asyncio.get_running_loop().call_later(max(left, LEAST_S), self._due)

    def cancel(self) -> None:
        """Call back no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
