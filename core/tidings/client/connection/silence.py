"""Whether a connection has been silent for too long, by two clocks. Pure; the clocks are passed in.

The monotonic clock does not count the time that a laptop slept; the wall clock does, but may be set.
Whichever says more is believed: a connection given up in vain costs one reconnection, a dead one that
is kept costs all that happens meanwhile.
"""

import time
from typing import NamedTuple

SILENCE_S = 60.0
"""A server says `alive` after 25 s without another frame; this much silence is a dead connection."""

SILENCE_CHECK_S = 5.0
"""How often to look."""


class Moment(NamedTuple):
    """One moment by both clocks, s."""

    monotonic: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Return the seconds since an earlier moment, by the clock that says more."""
        return max(self.monotonic - earlier.monotonic, self.wall - earlier.wall)


def now() -> Moment:
    """Return the present moment."""
    return Moment(time.monotonic(), time.time())
