"""Whether and when a process that ended by itself is started again. Pure.

A process that was killed is started again at once: its work waits. One that ends again and again would fill a terminal
and keep a machine busy, so each start in a row waits twice as long as the one before, and after some of them there is
no other.
"""

import signal
from collections.abc import Callable

STEADY_S = 30.0
"""How long a process runs after which its next end is no longer one in a row, s."""

FIRST_PAUSE_S = 0.5
"""Before the second start in a row; the first follows at once."""

LONGEST_PAUSE_S = 10.0

MAX_STARTS = 8
"""Starts in a row; what ends once more stays down. About half a minute, by the pauses."""


class Supervision:
    """The starts of one process; the clock is passed in, s, and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._in_a_row = 0
        self._due: float | None = None

    @property
    def pending(self) -> bool:
        """Whether it is down and will be started."""
        return self._due is not None

    def started(self) -> None:
        """Take note that it was started, for whatever reason."""
        self._began = self._clock()
        self._due = None

    def forget(self) -> None:
        """Begin to count anew: its code has changed."""
        self._in_a_row = 0
        self._due = None

    def ended(self) -> float | None:
        """Take note that it ended by itself.

        Returns:
            The seconds after which it is to be started; None: it ended too often, and stays down.

        """
        now = self._clock()
        self._in_a_row = 1 if now - self._began >= STEADY_S else self._in_a_row + 1
        if self._in_a_row > MAX_STARTS:
            return None
        pause = 0.0 if self._in_a_row == 1 else min(FIRST_PAUSE_S * 2.0 ** (self._in_a_row - 2), LONGEST_PAUSE_S)
        self._due = now + pause
        return pause

    def is_due(self) -> bool:
        """Return whether it is to be started now."""
        return self._due is not None and self._clock() >= self._due


def describe_end(code: int) -> str:
    """Return how a process ended, by its exit code as `subprocess` tells it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}"
