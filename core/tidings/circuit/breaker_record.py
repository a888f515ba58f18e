"""The record of a breaker, as the store keeps it. Pure: the script `breaker.lua` alone changes it.

::

              too many calls failed, or were slow
      closed ────────────────────────────────────> open <──┐
        ^                                           │      │
        │                              its time     │      │ the trial failed,
        │                              has passed:  │      │ or was slow
        │    the trial succeeded       one may try  v      │
        └─────────────────────────────────────── half_open ┘

Rules:

* `epoch` rises with every change of state, and when another call becomes the trial. Of two messages about a breaker
  the one with the higher epoch is the newer.
* A call belongs to the epoch in which the breaker let it through. The script ignores a report of another epoch: a call
  that was under way when the breaker opened does not count after the breaker has closed again.
* There is at most one trial. It has a lease, which its worker renews. When that worker is killed, the lease runs out,
  and another worker may try.
* The window is a list of slices, each a tenth of it long. A slice begins with the first call after the one before it.
* An operator may open a breaker (for a time, or until an operator closes it), close it (and hold it closed for a time,
  in which it counts calls and does not open), and reset it.

`tests/breaker/breaker_model.py` makes the same transitions in plain Python; a test compares it with the script.
"""

from enum import StrEnum
from typing import Final

import msgspec

MAX_KEPT_FAILURES: Final = 5
"""The newest failures, so many, are kept with their text."""


class BreakerState(StrEnum):
    """The state of a breaker."""

    CLOSED = "closed"
    """Calls go through, and are counted."""
    OPEN = "open"
    """No call goes through."""
    HALF_OPEN = "half_open"
    """One call, the trial, goes through or may do so."""


class BreakerSpec(msgspec.Struct, array_like=True, frozen=True):
    """The numbers that decide when a breaker opens, and for how long; `Breaker` explains each."""

    failure_rate: float = 0.5
    window_ms: int = 30_000
    min_calls: int = 20
    slow_ms: int = 0
    """0: no call is slow."""
    slow_rate: float = 0.5
    open_ms: int = 10_000


class WindowSlice(msgspec.Struct, array_like=True):
    """A part of the window."""

    start: int
    """When it began, ms since the Unix epoch."""
    calls: int = 0
    failures: int = 0
    slow: int = 0


class CallFailure(msgspec.Struct, array_like=True, frozen=True):
    """A failure, for people."""

    at: int
    """ms since the Unix epoch."""
    kind: str
    """The kind of the job that called."""
    worker: str
    text: str


class BreakerView(msgspec.Struct, array_like=True, frozen=True):
    """What every process needs to know of a breaker. The store publishes it when the breaker changes."""

    name: str
    state: BreakerState
    epoch: int
    wait_ms: int
    """Until a call may try, from the moment the store wrote this; 0: now; -1: not before an operator acts."""
    reason: str = ""
    """Why it is in this state: `failures`, `slow`, `due`, `trial`, `operator`."""


class BreakerRecord(msgspec.Struct, array_like=True):
    """One breaker; the store keeps this as an array. Times are ms since the Unix epoch, by the store's clock."""

    state: BreakerState = BreakerState.CLOSED
    epoch: int = 0
    since: int = 0
    """When it came into its state; 0: it has never changed its state."""
    until: int = 0
    """When a call may try, if it is open; 0: not before an operator acts."""
    trial: str = ""
    """The id of the trial; empty: there is none, and any call may become it."""
    trial_until: int = 0
    """When the trial's lease ends."""
    hold_until: int = 0
    """Until then it does not open by itself: an operator holds it closed."""
    opened: int = 0
    """How often it has opened."""
    reason: str = ""
    spec: BreakerSpec = BreakerSpec()
    """The numbers that came with the last call."""
    slices: list[WindowSlice] = msgspec.field(default_factory=list)
    notes: list[CallFailure] = msgspec.field(default_factory=list)
    """The last failures, the oldest first."""

    @property
    def totals(self) -> tuple[int, int, int]:
        """Calls, failures and slow calls in the window, as of the last call."""
        return (
            sum(one.calls for one in self.slices),
            sum(one.failures for one in self.slices),
            sum(one.slow for one in self.slices),
        )

    def wait_ms(self, now: int) -> int:
        """Return how long until a call may try; 0: now; -1: not before an operator acts."""
        if self.state is BreakerState.OPEN:
            return max(self.until - now, 0) if self.until > 0 else -1
        if self.state is BreakerState.HALF_OPEN and self.trial:
            return max(self.trial_until - now, 0)
        return 0
