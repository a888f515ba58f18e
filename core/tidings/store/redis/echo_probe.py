"""The probe: what its echo, or the lack of it, says of a connection that is subscribed. Pure.

A connection can stand and bring nothing for ever: half open, or the store has stopped writing to it. So
something is published every interval that must come back over it. Intervals are counted, not time measured:
a process that was stopped for an hour finds one interval without an echo, not an hour.
"""

MISSES = 2
"""Intervals in a row without an echo that say something."""


class EchoProbe:
    """The probes of one connection, an interval at a time."""

    __slots__ = ("_echoed", "_heard", "_silent", "_unechoed")

    def __init__(self) -> None:
        self._heard = self._echoed = False
        self._unechoed = 0
        self._silent = 0

    @property
    def deaf(self) -> bool:
        """Whether the publish path has been silent: whatever the reason, what is published may not be heard here."""
        return self._unechoed >= MISSES

    @property
    def dead(self) -> bool:
        """Whether the connection itself is to blame, and another is needed.

        It is if the store took the probes and nothing at all was heard. A store that does not take them (slow,
        paused, unreachable for calls) says nothing of the connection: it is kept, and there is no storm of new
        ones. Nor is one to blame that brings events, and the echo behind them late.
        """
        return self._silent >= MISSES

    def heard(self) -> None:
        """Take note that something came over the connection."""
        self._heard = True

    def echoed(self) -> None:
        """Take note that the probe came."""
        self._echoed = True
        self._unechoed = 0

    def interval(self, *, taken: bool) -> None:
        """Take note that an interval has passed.

        Args:
            taken: whether the store took the probe that was published at its beginning.

        """
        self._unechoed = 0 if self._echoed else self._unechoed + 1
        if self._heard:
            self._silent = 0
        elif taken:
            self._silent += 1
        self._heard = self._echoed = False
