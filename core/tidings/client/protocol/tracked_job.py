"""The jobs that the client follows, and the commands and watches that it asks for."""

from typing import Any, NamedTuple

from tidings.protocol.frames.messages import Ack, SnapshotFrame
from tidings.protocol.grants import IssuedGrant
from tidings.protocol.problems import Problem

from .job_event import Event
from .request_text import request_text


class TrackedJob:
    """One job as the client follows it."""

    def __init__(self, submit: bytes | None, token: str | None = None, seq: int = 0, *, watched: bool = True) -> None:
        self.submit = submit
        """What to send until it is answered, as `request_text` returns it; None once it is, or if the job was not
        submitted here."""
        self.watched = watched
        """Whether its events are wanted."""
        self.broken = 0
        """Connections that broke while the submit was under way."""
        self.unconfirmed = 0
        """How often a server answered the submit that the store's replicas have not confirmed it."""
        self.grant: str | None = None
        """The grant by which it is followed; None: the client's credential allows it."""
        self.delegated = False
        """Whether it was submitted for another owner: it is then followed by the grant of its ack."""
        self.renews = False
        """Whether the program gives a fresh one when it is asked."""
        self.token = token
        self.seq = seq
        self.status: str | None = None
        """The last known state."""
        self.ended = False
        self.awaits_snapshot = True
        """Whether a watch has no answer yet. Earlier events are ignored: the answer holds them too."""
        self.news: list[Event | Problem | Ack | SnapshotFrame] = []
        """What the client has learned and its handle has not taken; a `Problem` refuses the submit or the watch."""


class JobCommand:
    """A cancel or a signal for a job, or the wish for a grant."""

    def __init__(self, frame: dict[str, Any]) -> None:
        self.frame = frame
        """The fields of the frame."""
        self.text: bytes = request_text(frame)
        """What to send until it is answered, as `request_text` returns it."""
        self.broken = 0
        """Connections that broke while it was under way."""
        self.unconfirmed = 0
        """How often a server answered that the store's replicas have not confirmed it."""
        self.sent = 0
        """How often it has been sent."""
        self.granted: IssuedGrant | None = None
        """The grant that it asked for."""
        self.problem: Problem | None = None
        """Why the server refused it, once it is settled; None: it did not."""


class WatchRequest(NamedTuple):
    """A request for a job's events after a number."""

    token: str
    after: int
