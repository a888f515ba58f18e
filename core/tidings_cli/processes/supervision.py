"""Whether and when a command restarts a process of its own that ended by itself. Pure.

The first restart follows at once: the work of the process waits. A process that ends again and again would fill the
log and keep the machine busy, so each further restart in a row waits twice as long as the one before, and after
`MAX_STARTS` of them there is no other.
"""

import signal
from collections.abc import Callable

STEADY_S = 30.0
"""A process that has run so long begins a new row with its next end, s."""

FIRST_PAUSE_S = 0.5
"""Before the second start in a row; the first follows at once."""

LONGEST_PAUSE_S = 10.0

MAX_STARTS = 8
"""Restarts in a row; a process that ends once more stays down. By the pauses about half a minute."""


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
        """Take note that the process was started."""
        self._began = self._clock()
        self._due = None

    def forget(self) -> None:
        """Begin a new row: the code of the process has changed."""
        self._in_a_row = 0
        self._due = None

    def ended(self) -> float | None:
        """Take note that the process ended by itself.

        Returns:
            The seconds until its restart; None: it ended too often, and stays down.

        """
        now = self._clock()
        self._in_a_row = 1 if now - self._began >= STEADY_S else self._in_a_row + 1
        if self._in_a_row > MAX_STARTS:
            return None
        pause = 0.0 if self._in_a_row == 1 else min(FIRST_PAUSE_S * 2.0 ** (self._in_a_row - 2), LONGEST_PAUSE_S)
        self._due = now + pause
        return pause

    def due_in(self) -> float | None:
        """Return the seconds until the restart, at least 0; None: none is due."""
        return None if self._due is None else max(0.0, self._due - self._clock())

    def is_due(self) -> bool:
        """Return whether the restart is due."""
        return self._due is not None and self._clock() >= self._due


def describe_end(code: int) -> str:
    """Return how a process ended, by its exit code as `subprocess` has it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}"
