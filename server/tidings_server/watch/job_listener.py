"""A listener: what one client's connection does with the events of one job."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings.tracing.spans import Span

from .encoded_frame import EncodedFrame

NotifySpan = Callable[[], Span | None]
"""Begins the span in which the terminal event of a job leaves."""


class GrantedUntil(ABC):
    """What a watch stands by that has no credential of its client's behind it."""

    __slots__ = ()

    @abstractmethod
    def over(self) -> bool:
        """Return whether the watch has ended; no event may be passed on then."""


class JobListener(ABC):
    """Takes the events of one job from the hub; buffers them until the client has its first answer."""

    __slots__ = ("asked", "buffered", "granted", "notify_span", "seq", "token", "token_text")

    def __init__(self, token: Token) -> None:
        self.token: Token = token
        self.token_text: str = str(token)
        """The token as text."""
        self.seq: int = 0
        """The number of the last event passed on."""
        self.buffered: list[tuple[int, int, EncodedFrame]] | None = []
        """Events that wait for `release`; None: it has been called."""
        self.notify_span: NotifySpan | None = None
        """None: the job is not traced."""
        self.asked: bool = True
        """Whether the client submitted or watched the job itself; false: it comes by a tag that the client follows."""
        self.granted: GrantedUntil | None = None
        """None: the watch stands by the client's credential."""

    def move(self, token: Token) -> None:
        """Listen under another token: that of the partition to which the job turned out to belong."""
        self.token, self.token_text = token, str(token)

    def offer(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Take an event from the hub."""
        if self.buffered is not None:
            self.buffered.append((seq, event_class, frame))
        elif seq > self.seq:
            if self.granted is not None and self.granted.over():
                return
            self.seq = seq
            if self.notify_span is not None and event_class == EventClass.FINAL:
                self._notify(self.notify_span, seq, event_class, frame)
            else:
                self.event(seq, event_class, frame)

    def _notify(self, notify_span: NotifySpan, seq: int, event_class: int, frame: EncodedFrame) -> None:
        span = notify_span()
        try:
            self.event(seq, event_class, frame)
        finally:
            if span is not None:
                span.end()

    def release(self, seq: int) -> None:
        """Pass events on from now on, beginning with the buffered ones above `seq`."""
        buffered, self.buffered = self.buffered, None
        self.seq = max(self.seq, seq)
        for event in buffered or ():
            self.offer(*event)

    @abstractmethod
    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on; must not block."""

    @abstractmethod
    def repaired(self, record: JobRecord, after: int) -> None:
        """Pass on the job's record to a client that has seen every event up to `after`."""

    @abstractmethod
    def vanished(self) -> None:
        """Pass on that the job's record is gone."""
