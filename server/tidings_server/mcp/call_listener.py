"""A listener that wakes the request which waits for a job."""

import asyncio

import msgspec

from tidings.protocol.events import EventClass, EventName
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final


class _ProgressFrame(msgspec.Struct):
    data: msgspec.Raw


_frame = msgspec.json.Decoder(_ProgressFrame).decode

_STEPS = frozenset({EventName.STEP, EventName.WAITING})


class CallListener(JobListener):
    """Keeps what the request has not looked at."""

    __slots__ = ("changed", "ended", "progress", "stepped")

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.changed = asyncio.Event()
        """Set with each event."""
        self.ended = False
        """Whether the job has ended, or its record is gone."""
        self.progress = ""
        """The newest report that has not been passed on, JSON text; empty: there is none."""
        self.stepped = False
        """Whether a saga has taken a step since the request looked for questions."""

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Wake the request."""
        name = event_name(frame.text)
        if event_class == EventClass.FINAL:
            self.ended = True
        elif name == EventName.PROGRESS:
            self.progress = bytes(_frame(frame.data).data).decode()
        elif name in _STEPS:
            self.stepped = True
        self.changed.set()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Wake the request, which has lost events: the record says what they were."""
        self.ended = self.ended or is_final(record)
        self.progress = record.progress or self.progress
        self.stepped = True
        self.changed.set()

    def vanished(self) -> None:
        """Wake the request; it will find nothing."""
        self.ended = True
        self.changed.set()
