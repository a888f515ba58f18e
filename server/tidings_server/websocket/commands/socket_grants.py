"""What the client of one socket follows by grants. Nearly every socket has nothing such, and pays nothing for it."""

import time
from collections.abc import Callable

from tidings.protocol.problems import Problem
from tidings_server.auth.grant import Grant
from tidings_server.follow.granted_tag import GrantedTag
from tidings_server.follow.owner_filter import TagAccess
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.websocket.due_timer import DueTimer
from tidings_server.websocket.socket_channel import SocketChannel

from .socket_listener import SocketListener


class SocketGrants:
    """Ends what is followed with its grants."""

    __slots__ = ("_channel", "_leave", "_notice_s", "_timer", "_watches")

    def __init__(self, channel: SocketChannel, notice_s: float, leave: Callable[[JobListener], None]) -> None:
        """Begin without a watch.

        Args:
            channel: the way to the client.
            notice_s: how long before the end of a grant the client is warned, s.
            leave: ends the watch of a job.

        """
        self._channel = channel
        self._notice_s = notice_s
        self._leave = leave
        self._watches: GrantedWatches | None = None
        self._timer = DueTimer(self._due)

    def follow(self, listener: SocketListener) -> None:
        """Take note of a watch that has begun; one that the client's credential allows needs no grant."""
        if listener.grants or self._channel.session.auth_state.identity.grants:
            watches = self._all()
            watches.follow(listener, listener.owner, listener.tags, listener.grants)
            self._timer.arm(watches.due_at)

    def follow_tag(
        self, tag: str, access: TagAccess, grants: tuple[Grant, ...], leave: Callable[[], None]
    ) -> GrantedTag | None:
        """Take note of a tag that is followed; return what the follow stands by, None: by the client's credential.

        Args:
            tag: the tag.
            access: whose jobs.
            grants: those that came with the frame.
            leave: ends the follow.

        """
        if access.scope is None:
            return None
        watches = self._all()

        def tell(problem: Problem) -> None:
            self._channel.session.watch_refused(None, problem, tag)
            self._channel.flush()

        granted = GrantedTag(access.scope, grants, watches, tell, leave)
        watches.add(granted)
        self._timer.arm(watches.due_at)
        return granted

    def discard(self, key: object) -> None:
        """Take note that the watch of a job (by its listener), or of a tag (by what it stands by), has ended."""
        if self._watches is not None:
            self._watches.discard(key)

    def shown(self) -> None:
        """Take note that the client has shown another grant, which may allow some watches for longer."""
        if self._watches is not None:
            self._watches.due_at = 0.0
            self._timer.arm(0.0)

    def tick(self, now: float) -> None:
        """Warn, and end, what is due at `now`, s since the epoch."""
        if self._watches is not None:
            self._watches.tick(now)
            self._timer.arm(self._watches.due_at)

    def end(self) -> None:
        """Stop: the socket is gone."""
        self._timer.cancel()
        self._watches = None

    def _due(self) -> None:
        try:
            self.tick(time.time())
        except Exception as error:  # noqa: BLE001 - the border of one socket: an event loop has no use for it
            unexpected_problem("grant", error, connection=self._channel.session.connection)

    def _all(self) -> GrantedWatches:
        if self._watches is None:
            session = self._channel.session
            self._watches = GrantedWatches(lambda: session.auth_state.identity, self._notice_s, self._tell, self._leave)
        return self._watches

    def _tell(self, listener: JobListener, problem: Problem) -> None:
        self._channel.session.watch_refused(str(listener.token), problem)
        self._channel.flush()
