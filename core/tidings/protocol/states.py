"""A job's life: the states, and the one table of legal transitions.

Rules:

* A job is in exactly one state. Terminal states are final: no message can leave one.
* Every change of state is one row of `TRANSITIONS`; the store refuses any other and changes nothing.
* The Lua scripts, which make every change, hold the same table (`store/lua/lib/states.lua`); a test compares the two.
* A job that waits fails only by being shed: dropped, so that others need not wait so long.
* An operator's replay of a dead letter is no message: its transitions stand apart, in `REPLAY`.

::

    scheduled ──> queued ──> running ──> succeeded | failed | cancelled | expired
        ^           ^           │
        └── retry ──│───────────┤
                    └─ handed back, lease lost
                    └─ waiting <┘
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """The state of a job, as clients see it in the field `status`."""

    SCHEDULED = "scheduled"
    """Accepted, not due yet: a delay, or the back-off before a retry."""
    QUEUED = "queued"
    """Ready, waiting for a worker."""
    RUNNING = "running"
    """An attempt is under way."""
    WAITING = "waiting"
    """An orchestrator waits for a child or a signal; it holds no worker."""
    SUCCEEDED = "succeeded"
    """Finished; there is a result."""
    FAILED = "failed"
    """Finished; there is a problem: attempts used up, or rejected."""
    CANCELLED = "cancelled"
    """Finished because a client or an operator asked."""
    EXPIRED = "expired"
    """Finished because its deadline passed first."""


_ENDS_EARLY = frozenset({State.CANCELLED, State.EXPIRED})

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.SCHEDULED: frozenset({State.QUEUED}) | _ENDS_EARLY,
        State.QUEUED: frozenset({State.RUNNING, State.FAILED}) | _ENDS_EARLY,
        State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.SCHEDULED, State.WAITING, State.QUEUED})
        | _ENDS_EARLY,
        State.WAITING: frozenset({State.QUEUED}) | _ENDS_EARLY,
        State.SUCCEEDED: frozenset(),
        State.FAILED: frozenset(),
        State.CANCELLED: frozenset(),
        State.EXPIRED: frozenset(),
    }
)
"""For each state, the states that may follow it."""

INITIAL: frozenset[State] = frozenset({State.SCHEDULED, State.QUEUED})
"""The states in which a job may be born."""

TERMINAL: frozenset[State] = frozenset(state for state, after in TRANSITIONS.items() if not after)
"""The states that no job leaves."""

REPLAY: Mapping[State, frozenset[State]] = MappingProxyType({State.FAILED: frozenset({State.QUEUED})})
"""The transitions that only an operator's replay of a dead letter makes: it reopens a failed job.

Not rows of `TRANSITIONS`, because no message of a client or a worker may leave a terminal state.
"""
