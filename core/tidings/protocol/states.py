"""A job's life: the states, and the one table of legal transitions.

Rules (CONTRACT section 1):

* A job is in exactly one state. Terminal states are final: no message can leave one.
* Every change of state is one row of `TRANSITIONS`; anything else raises and changes nothing.
* The Lua scripts hold the same table (`broker/lua/_prelude.lua`); a test compares the two.
* A job that waits fails only by being shed: dropped, so that others need not wait so long.
* An operator's replay of a dead letter is no message: what it may do stands apart, in `REPLAY`.

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
    """Finished because someone asked."""
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
"""The states that nothing leaves."""

REPLAY: Mapping[State, frozenset[State]] = MappingProxyType({State.FAILED: frozenset({State.QUEUED})})
"""What an operator's replay of a dead letter may do, and nothing else can: it reopens a failed job.

Not rows of `TRANSITIONS`, because no message of a client or a worker may leave a terminal state.
"""


class IllegalTransitionError(ValueError):
    """A job was asked to go where its state does not lead; the state is unchanged."""

    def __init__(self, state: State, to: State) -> None:
        self.state = state
        self.to = to
        super().__init__(f"a job that is {state} cannot become {to}")


def step(state: State, to: State) -> State:
    """Return `to` if the table allows it after `state`.

    Raises:
        IllegalTransitionError: the table has no such row.
    """
    if to not in TRANSITIONS[state]:
        raise IllegalTransitionError(state, to)
    return to
