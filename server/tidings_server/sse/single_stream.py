"""One stream of a job as server-sent events: what a client lacks of it, then what the job says, to the job's end.

The first event is a `snapshot` of that stream. Then come `chunk`, `chunks` and `reset` as `GET /v1/jobs/{token}/events`
has them, and the job's end.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.protocol.events import EventClass, StreamEvent
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name, final_frame
from tidings_server.watch.snapshots import is_final
from tidings_server.web.stream_query import StreamQuery, check_first

from .event_stream import EventStream, format_event
from .stream_listener import SeenNumbers, StreamListener

_encode = msgspec.json.Encoder().encode
_EVENTS = frozenset(StreamEvent)


class _StreamName(msgspec.Struct):
    stream: str


class _StreamFrame(msgspec.Struct):
    data: _StreamName


_decode = msgspec.json.Decoder(_StreamFrame).decode


class SingleStreamListener(StreamListener):
    """One stream of one job."""

    __slots__ = ("_query",)

    def __init__(self, token: Token, stream: EventStream, places: SeenNumbers, query: StreamQuery) -> None:
        super().__init__(token, stream, places)
        self._query = query

    @classmethod
    def of(cls, query: StreamQuery) -> "Callable[[Token, EventStream, SeenNumbers], StreamListener]":
        """Return what makes the listener of a request."""
        return lambda token, stream, places: cls(token, stream, places, query)

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on that is the stream's, or the job's end."""
        if event_class == EventClass.FINAL or (
            event_name(frame.text) in _EVENTS and _decode(frame.data).data.stream == self._query.name
        ):
            super().event(seq, event_class, frame)

    def told(self, record: JobRecord, after: int) -> list[tuple[EventClass, str]]:
        """Return what a client that has seen every event up to `after` lacks of the stream, and the job's end."""
        token = str(self.token)
        parts = [(EventClass.LOG, self._snapshot(token, record))]
        if is_final(record):
            parts.append((EventClass.FINAL, self.text(record.seq, final_frame(token, record))))
        return parts

    def _snapshot(self, token: str, record: JobRecord) -> str:
        found = next((one for one in record.streams if one.name == self._query.name), None)
        count, first, attempt = (0, 0, record.attempt) if found is None else (found.count, found.first, found.attempt)
        chunks = msgspec.Raw(f"[{found.chunks if found else ''}]".encode())
        if self._query.first >= 0:
            check_first(self._query.first, count, self._query.name)
        wanted = self._query.first
        if wanted > first:
            chunks = msgspec.Raw(_encode(msgspec.json.decode(chunks, type=list[msgspec.Raw])[wanted - first :]))
            first = wanted
        data: dict[str, Any] = {
            "token": token,
            "seq": record.seq,
            "status": record.state,
            "stream": self._query.name,
            "attempt": attempt,
            "from": first,
            "chunks": chunks,
        }
        # The snapshot of a job that has ended has no id: were the connection to break now, the next must show the end.
        identity = None if is_final(record) else self.reach(record.seq)
        return format_event(identity, "snapshot", _encode(data).decode())
