"""What the client follows and asks, each as long as it has no answer."""

from typing import Any, NamedTuple

from tidings.protocol.messages import Ack, SnapshotFrame
from tidings.protocol.problems import Problem

from .job_event import Event
from .request_text import request_text


class TrackedJob:
    """One job as the client follows it."""

    def __init__(self, submit: str | None, token: str | None = None, seq: int = 0, *, watched: bool = True) -> None:
        self.submit = submit
        """What to send until it is answered, without its ref; None once it is, or if the job was not submitted here."""
        self.watched = watched
        """Whether its events are wanted."""
        self.broken = 0
        """Connections that broke while the submit was under way."""
        self.token = token
        self.seq = seq
        self.status: str | None = None
        """The state last told of."""
        self.ended = False
        self.awaits_snapshot = True
        """Events wait for the answer that says from where they go on; until then what comes is in that answer too."""
        self.news: list[Event | Problem | Ack | SnapshotFrame] = []
        """What has been learned and not yet been looked at; a `Problem` refuses what was asked."""


class JobCommand:
    """What a job is told: to stop, or a signal."""

    def __init__(self, frame: dict[str, Any]) -> None:
        self.frame = frame
        """What is asked."""
        self.text = request_text(frame)
        """What to send until it is answered, without its ref."""
        self.broken = 0
        """Connections that broke while it was under way."""
        self.sent = 0
        """How often it has been asked."""
        self.problem: Problem | None = None
        """Why it was refused, once it is settled; None: it was not."""


class WatchRequest(NamedTuple):
    """A question about a job, and from which number on."""

    token: str
    after: int
