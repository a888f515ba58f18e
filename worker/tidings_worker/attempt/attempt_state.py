"""Where an attempt stands, and what each reason to stop does there. Pure.

::

    starting ───> running ─────────────────┐
    rebuilding ─> compensating ────────────┤
        └──────────────┴──> stopping ──────┴─> ended

A handler that ends before any reason came decides the outcome: what it returned or raised. Once a reason has come, the
reason decides the outcome, whatever the handler returns after that. So the first of the two stands.

An attempt whose saga unwinds begins with `rebuilding`. A client that cancels and a deadline that passes do nothing to
it: they were the cause of the unwinding, or come too late to be, and what the saga has done must be undone.
"""

from enum import Enum, Flag, auto
from typing import Final

from tidings_worker.outcome.stop_reason import StopReason


class AttemptState(Enum):
    """Where an attempt stands."""

    STARTING = auto()
    """The store has started it; the handler has not begun: its breaker is asked, for example."""
    RUNNING = auto()
    """The handler runs."""
    REBUILDING = auto()
    """A saga unwinds: its handler runs once more to say how its steps are undone."""
    COMPENSATING = auto()
    """A saga unwinds: its steps are undone."""
    STOPPING = auto()
    """A reason to stop stands; the handler may still clean up."""
    ENDED = auto()
    """The handler has ended, or is not waited for any longer: the outcome is decided."""


class StopEffect(Flag):
    """What a reason does to an attempt."""

    NONE = 0
    """It comes too late, or another reason stands."""
    STOP = auto()
    """The reason stands from now on; the handler is asked to stop."""
    DISCARD_REPORT = auto()
    """The reporter discards a report that the store refuses, instead of sending it again."""
    SHORTEN_GRACE = auto()
    """The handler has less time to clean up: what the leaving worker has left."""


_NONE, _STOP = StopEffect.NONE, StopEffect.STOP
_LOSE = StopEffect.STOP | StopEffect.DISCARD_REPORT
_LEAVE = StopEffect.STOP | StopEffect.SHORTEN_GRACE

_FORWARD: Final = {
    StopReason.CANCEL: _STOP,
    StopReason.EXPIRED: _STOP,
    StopReason.TIMEOUT: _STOP,
    StopReason.HAND_BACK: _LEAVE,
    StopReason.LOST: _LOSE,
    StopReason.WAITING: _STOP,
    StopReason.REFUSED: _STOP,
}
"""The row of an attempt that does its work."""

_UNWINDING: Final = {
    StopReason.CANCEL: _NONE,
    StopReason.EXPIRED: _NONE,
    StopReason.TIMEOUT: _STOP,
    StopReason.HAND_BACK: _LEAVE,
    StopReason.LOST: _LOSE,
    StopReason.WAITING: _STOP,
    StopReason.REFUSED: _STOP,
}
"""The row of an attempt that undoes its work."""

STOP_EFFECTS: Final[dict[AttemptState, dict[StopReason, StopEffect]]] = {
    AttemptState.STARTING: _FORWARD,
    AttemptState.RUNNING: _FORWARD,
    AttemptState.REBUILDING: _UNWINDING,
    AttemptState.COMPENSATING: _UNWINDING,
    # The first reason stands. A worker that leaves does not wait the whole grace of it.
    AttemptState.STOPPING: {
        StopReason.CANCEL: _NONE,
        StopReason.EXPIRED: _NONE,
        StopReason.TIMEOUT: _NONE,
        StopReason.HAND_BACK: StopEffect.SHORTEN_GRACE,
        StopReason.LOST: StopEffect.DISCARD_REPORT,
        StopReason.WAITING: _NONE,
        StopReason.REFUSED: _NONE,
    },
    # The outcome may still be on its way to the store: where another attempt has the job, no try will be taken.
    AttemptState.ENDED: {
        StopReason.CANCEL: _NONE,
        StopReason.EXPIRED: _NONE,
        StopReason.TIMEOUT: _NONE,
        StopReason.HAND_BACK: _NONE,
        StopReason.LOST: StopEffect.DISCARD_REPORT,
        StopReason.WAITING: _NONE,
        StopReason.REFUSED: _NONE,
    },
}
"""State → reason → what it does."""
