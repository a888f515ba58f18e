"""The watches of one socket that stand by a grant. Nearly every socket has none, and pays nothing for them."""

from collections.abc import Callable

from tidings.protocol.problems import Problem
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.websocket.socket_channel import SocketChannel

from .socket_listener import SocketListener


class SocketGrants:
    """Ends such watches with their grants."""

    __slots__ = ("_channel", "_leave", "_notice_s", "_watches")

    def __init__(self, channel: SocketChannel, notice_s: float, leave: Callable[[JobListener], None]) -> None:
        """Begin without a watch.

        Args:
            channel: the way to the client.
            notice_s: how long before the end of a grant the client is warned, s.
            leave: ends a watch.

        """
        self._channel = channel
        self._notice_s = notice_s
        self._leave = leave
        self._watches: GrantedWatches | None = None

    def follow(self, listener: SocketListener) -> None:
        """Take note of a watch that has begun; one that the client's credential allows needs no grant."""
        session = self._channel.session
        if not listener.grants and not session.auth_state.identity.grants:
            return
        if self._watches is None:
            self._watches = GrantedWatches(lambda: session.auth_state.identity, self._notice_s, self._tell, self._leave)
        self._watches.follow(listener, listener.owner, listener.tags, listener.grants)

    def discard(self, listener: SocketListener) -> None:
        """Take note that a watch has ended."""
        if self._watches is not None:
            self._watches.discard(listener)

    def shown(self) -> None:
        """Take note that the client has shown another grant, which may allow some watches for longer."""
        if self._watches is not None:
            self._watches.due_at = 0.0

    def tick(self, now: float) -> None:
        """Warn, and end, what is due at `now`, s since the epoch."""
        if self._watches is not None:
            self._watches.tick(now)

    def _tell(self, listener: JobListener, problem: Problem) -> None:
        self._channel.session.watch_refused(str(listener.token), problem)
        self._channel.flush()
