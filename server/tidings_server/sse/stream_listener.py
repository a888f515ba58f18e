"""One job in a stream of server-sent events."""

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name, final_frame, log_frame
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final, log_chunks, snapshot

from .event_stream import EventStream, format_event

_encode = msgspec.json.Encoder().encode


class SeenNumbers:
    """The numbers that a client has seen of each job in its stream; they make the `id` of an event.

    Of one job it is the event's number. Of several it is the number of each, in the order asked for, so
    that a browser's EventSource, which sends back the last `id` and nothing else, resumes every job.
    """

    def __init__(self, seen: dict[str, int], order: list[str]) -> None:
        self._seen = seen
        self._order = order

    def reach(self, token: str, seq: int) -> str:
        """Take note that an event of a job is written; return its `id`."""
        self._seen[token] = seq
        return ",".join(str(self._seen[one]) for one in self._order)


class StreamListener(JobListener):
    """One job in a stream."""

    __slots__ = ("_places", "_stream")

    def __init__(self, token: Token, stream: EventStream, places: SeenNumbers) -> None:
        super().__init__(token)
        self._stream = stream
        self._places = places

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on, as it came."""
        self._stream.write(str(self.token), event_class, self.text(seq, frame))
        if event_class == EventClass.FINAL:
            self.end()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Pass on the events that were lost on the way, from the record."""
        for event_class, text in self.told(record, after):
            self._stream.write(str(self.token), event_class, text)
        if is_final(record):
            self.end()

    def vanished(self) -> None:
        """Take note that the job's record is gone: no event follows."""
        self.end()

    def told(self, record: JobRecord, after: int) -> list[tuple[EventClass, str]]:
        """Return what a client that has seen every event up to `after` has missed, each part with its class."""
        token = str(self.token)
        full = snapshot(token, record, after)
        parts: list[tuple[EventClass, str]] = []
        if not full.truncated:
            parts += [
                (EventClass.LOG, self.text(chunk.seq, log_frame(token, record, chunk))) for chunk in log_chunks(record)
            ]
        # The snapshot has no id of its own: were the stream to break before the terminal event,
        # the next one must begin before it.
        bare = _encode(msgspec.structs.replace(full, log=[])).decode()
        parts.append((EventClass.CHANGE, format_event(None, "snapshot", bare)))
        if is_final(record):
            parts.append((EventClass.FINAL, self.text(record.seq, final_frame(token, record))))
        return parts

    def end(self) -> None:
        """Take note that the job sends no more events."""
        if self._stream.granted is not None:
            self._stream.granted.discard(self)
        self._stream.end_one()

    def text(self, seq: int, frame: EncodedFrame) -> str:
        """Return an event of the stream, with its `id`."""
        return format_event(self.reach(seq), event_name(frame.text), frame.text)

    def reach(self, seq: int) -> str:
        """Take note that an event is written; return its `id`."""
        return self._places.reach(str(self.token), seq)
