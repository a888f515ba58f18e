"""The listener of one job that a socket watches."""

from typing import Protocol

from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.grant import Grant
from tidings_server.jobs.client_answers import unknown_token
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.job_listener import JobListener
from tidings_server.websocket.socket_channel import SocketChannel


class WatchOwner(Protocol):
    """What a socket does for its listeners."""

    channel: SocketChannel

    def ended(self, listener: "SocketListener") -> None:
        """Take note that the hub has let go of a listener."""

    def moved(self, listener: "SocketListener", earlier: str) -> None:
        """Take note that a listener has another token than `earlier`."""

    def send_snapshot(self, listener: "SocketListener", record: JobRecord, ref: int | None, after: int) -> None:
        """Send a job's record to a client that has seen every event up to `after`."""


class SocketListener(JobListener):
    """One job, watched over a socket."""

    __slots__ = ("_watches", "follows", "grants", "owner", "tags")

    def __init__(self, token: Token, watches: WatchOwner) -> None:
        super().__init__(token)
        self.owner = ""
        """Whose job it is; empty: not known yet."""
        self.tags: tuple[str, ...] = ()
        """The job's tags."""
        self.grants: tuple[Grant, ...] = ()
        """The grants that came with the watch."""
        self.follows: set[str] = set()
        """The tags under which a follow has found the job."""
        self._watches = watches

    def move(self, token: Token) -> None:
        """Listen under another token."""
        earlier = self.token_text
        super().move(token)
        self._watches.moved(self, earlier)

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on."""
        channel = self._watches.channel
        channel.session.event(self.token_text, event_class, frame)
        if event_class == EventClass.FINAL:
            self._watches.ended(self)
        channel.flush()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Send a snapshot in place of events that were lost on the way."""
        self._watches.send_snapshot(self, record, None, after)

    def vanished(self) -> None:
        """Send that the watch has ended: the job's record is gone."""
        self._watches.ended(self)
        channel = self._watches.channel
        channel.session.watch_refused(self.token_text, unknown_token(self.token_text).problem)
        channel.flush()
