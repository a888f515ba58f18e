"""The states of the connection, as the JavaScript client names them, and the one table of what follows what.

::

    connecting   waits for the server's `hello`, and presents the credential
    resuming     talks; asks again for what was followed on the last socket
    open         talks
    backing-off  waits before the next socket
    closed       for good
"""

import weakref
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from tidings.client.unread_buffer import UnreadBuffer


class ClientState(StrEnum):
    """The state of the connection."""

    CONNECTING = "connecting"
    """A socket is being opened."""
    RESUMING = "resuming"
    """Connected again; what was followed is being asked for again."""
    OPEN = "open"
    """Connected, and nothing is behind."""
    BACKING_OFF = "backing-off"
    """Waits before the next socket."""
    CLOSED = "closed"
    """For good."""


TRANSITIONS: Mapping[ClientState, frozenset[ClientState]] = MappingProxyType(
    {
        ClientState.CONNECTING: frozenset(
            {ClientState.OPEN, ClientState.RESUMING, ClientState.BACKING_OFF, ClientState.CLOSED}
        ),
        ClientState.RESUMING: frozenset({ClientState.OPEN, ClientState.BACKING_OFF, ClientState.CLOSED}),
        ClientState.OPEN: frozenset({ClientState.BACKING_OFF, ClientState.CLOSED}),
        ClientState.BACKING_OFF: frozenset({ClientState.CONNECTING, ClientState.CLOSED}),
        ClientState.CLOSED: frozenset(),
    }
)
"""For each state, the states that may follow it."""


class StateChange(NamedTuple):
    """The connection came to be in a state."""

    state: ClientState
    previous: ClientState
    code: int | None = None
    """The close code that led here, 1006 for a connection that broke or never stood."""
    reason: str = ""
    """The same for people."""
    pause_s: float | None = None
    """In `backing-off`: seconds until the next try."""


class StateLog:
    """The present state, with one setter, which informs all listeners."""

    def __init__(self) -> None:
        self.last = StateChange(ClientState.CONNECTING, ClientState.CONNECTING)
        self._readers: weakref.WeakSet[UnreadBuffer[StateChange]] = weakref.WeakSet()

    def enter(
        self, state: ClientState, code: int | None = None, reason: str = "", pause_s: float | None = None
    ) -> None:
        """Be in a state from now on."""
        assert state in TRANSITIONS[self.last.state], f"{self.last.state} does not lead to {state}"
        self.last = StateChange(state, self.last.state, code, reason, pause_s)
        for reader in list(self._readers):
            self._put(reader)

    def follow(self) -> UnreadBuffer[StateChange]:
        """Return an iterator over the present state and each later one, ending after `closed`."""
        reader: UnreadBuffer[StateChange] = UnreadBuffer()
        self._readers.add(reader)
        self._put(reader)
        return reader

    def _put(self, reader: UnreadBuffer[StateChange]) -> None:
        reader.put(self.last)
        if self.last.state is ClientState.CLOSED:
            reader.end()
