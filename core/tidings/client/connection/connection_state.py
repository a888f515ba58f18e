"""The states of the connection, as the JavaScript client names them, and the table of what each event leads to. Pure.

::

    connecting ──────────> open
        │ └──> resuming ────┘│
        v          v         v
    backing-off <──┴─────────┘      every state but `closed` ──> closed

connection.py says which event has come; no other way leads from one state to another.
"""

import weakref
from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

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


class ConnectionEvent(Enum):
    """What happens to the connection."""

    GREETED = auto()
    """The server has said `hello` and taken the credential, and this client follows nothing that it has to ask for."""
    GREETED_BEHIND = auto()
    """The same, and this client asks again for what it followed on the last socket."""
    CAUGHT_UP = auto()
    """The server has answered all that this client asked for again."""
    LOST = auto()
    """The socket has ended, or none could be opened; another try follows."""
    PAUSE_OVER = auto()
    """It is time for the next try."""
    CLOSED = auto()
    """The program has closed the client, or an end of a socket allows no other try."""


_TALKING: Final = {ConnectionEvent.LOST: ClientState.BACKING_OFF, ConnectionEvent.CLOSED: ClientState.CLOSED}

NEXT_STATES: Final[Mapping[ClientState, Mapping[ConnectionEvent, ClientState]]] = {
    ClientState.CONNECTING: {
        ConnectionEvent.GREETED: ClientState.OPEN,
        ConnectionEvent.GREETED_BEHIND: ClientState.RESUMING,
        **_TALKING,
    },
    ClientState.RESUMING: {ConnectionEvent.CAUGHT_UP: ClientState.OPEN, **_TALKING},
    ClientState.OPEN: _TALKING,
    ClientState.BACKING_OFF: {
        ConnectionEvent.PAUSE_OVER: ClientState.CONNECTING,
        ConnectionEvent.CLOSED: ClientState.CLOSED,
    },
    ClientState.CLOSED: {},
}
"""State → event → the next state. An event that a row lacks cannot come there; if it does the client has a defect."""


class StateChange(NamedTuple):
    """The connection came to be in a state."""

    state: ClientState
    """The state since then."""
    previous: ClientState
    """The state before."""
    code: int | None = None
    """The close code that led here, 1006 for a connection that broke or never stood."""
    reason: str = ""
    """The same for people."""
    pause_s: float | None = None
    """In `backing-off`: seconds until the next try."""


class StateLog:
    """The present state, with one setter (`apply`), which informs all listeners."""

    def __init__(self) -> None:
        self.last: StateChange = StateChange(ClientState.CONNECTING, ClientState.CONNECTING)
        self._readers: weakref.WeakSet[UnreadBuffer[StateChange]] = weakref.WeakSet()

    def apply(
        self, event: ConnectionEvent, code: int | None = None, reason: str = "", pause_s: float | None = None
    ) -> None:
        """Be in the state that an event leads to, from now on."""
        before = self.last.state
        assert event in NEXT_STATES[before], f"{event.name} in {before}"
        self.last = StateChange(NEXT_STATES[before][event], before, code, reason, pause_s)
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
