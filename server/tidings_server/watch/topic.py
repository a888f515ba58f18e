"""A topic: one job that this process watches, and the state of its event numbers.

The hub delivers events in the order of their numbers, so it must know the number of the last one. It knows the number
while the topic is live. Otherwise it has asked the store, and buffers what the inbox brings until the answer is there:

* asked: the first listener watches a job that exists; any answer to a watch gives the number.
* repairing: events were lost. Only the repair's own answer gives the number: the answer to another listener's watch
  begins at another number and would leave a hole for the rest.

If the inbox is lost while the store is being asked, the answer may be older than what was lost: the topic is then
stale, and is repaired once more after the answer.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from tidings.protocol.tokens import Token

from .job_listener import JobListener

InboxEntry = tuple[str, int, int, str]
"""Token, number, class and frame of an event, as the scripts publish it; an empty frame means: fetch."""


class TopicState(Enum):
    """What the hub knows of a job's event numbers."""

    LIVE = auto()
    """The last number is known: events are delivered as they come."""
    ASKED = auto()
    """The store is asked for the number."""
    ASKED_STALE = auto()
    """The store is asked for the number, and the inbox was lost meanwhile."""
    REPAIRING = auto()
    """Events were lost: the store is asked for what followed the last number."""
    REPAIRING_STALE = auto()
    """The repair is under way, and the inbox was lost meanwhile."""


class TopicEvent(Enum):
    """What happens to a topic."""

    GAP = auto()
    """An event came that leaves a hole, or was too large to publish."""
    REOPENED = auto()
    """The inbox is back after a loss."""
    ANSWERED = auto()
    """The store answered a listener's watch."""
    REPAIRED = auto()
    """The store answered the repair."""


_S, _E = TopicState, TopicEvent

TRANSITIONS: Mapping[TopicState, Mapping[TopicEvent, TopicState]] = MappingProxyType(
    {
        _S.LIVE: {_E.GAP: _S.REPAIRING, _E.REOPENED: _S.REPAIRING},
        _S.ASKED: {_E.REOPENED: _S.ASKED_STALE, _E.ANSWERED: _S.LIVE},
        _S.ASKED_STALE: {_E.REOPENED: _S.ASKED_STALE, _E.ANSWERED: _S.LIVE},
        _S.REPAIRING: {_E.REOPENED: _S.REPAIRING_STALE, _E.REPAIRED: _S.LIVE},
        _S.REPAIRING_STALE: {_E.REOPENED: _S.REPAIRING_STALE, _E.REPAIRED: _S.LIVE},
    }
)
"""For each state, the events that it takes and the state that follows.

No gap is found while the store is being asked: events are buffered. A watch's answer gives no number to a topic that is
live or is repaired. A topic that was stale is repaired as soon as it is live and what was buffered is delivered.
"""

STALE = frozenset({TopicState.ASKED_STALE, TopicState.REPAIRING_STALE})
"""States after which the topic is repaired."""


class TopicTransitionError(ValueError):
    """An event happened to a topic in whose state it cannot; the state is unchanged."""

    def __init__(self, state: TopicState, event: TopicEvent) -> None:
        self.state = state
        self.event = event
        super().__init__(f"a topic that is {state.name} cannot take {event.name}")


class Topic:
    """One job and its listeners in this process."""

    __slots__ = ("buffered", "listeners", "seq", "state", "token")

    def __init__(self, token: Token, seq: int | None) -> None:
        """Begin.

        Args:
            token: the job's.
            seq: the number of its last event; None: the store is being asked for it.

        """
        self.token = token
        self.seq = seq or 0
        """The number of the last event delivered; while the topic is asked it means nothing."""
        self.state = TopicState.LIVE if seq is not None else TopicState.ASKED
        self.listeners: list[JobListener] = []
        self.buffered: list[InboxEntry] = []
        """Events that came while the topic was not live."""

    def takes(self, event: TopicEvent) -> bool:
        """Return whether an event can happen now."""
        return event in TRANSITIONS[self.state]

    def take(self, event: TopicEvent) -> TopicState:
        """Go to the state that follows an event, and return that state.

        Raises:
            TopicTransitionError: the event cannot happen now.

        """
        following = TRANSITIONS[self.state].get(event)
        if following is None:
            raise TopicTransitionError(self.state, event)
        self.state = following
        return following
