"""The events that this server makes itself, from a job's record, and the name of an event that it passes on.

The store's scripts and the workers make every other event's frame; the server passes those on as they are.
"""

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.frames.messages import EventFrame, LogChunk
from tidings.protocol.timestamps import rfc3339
from tidings.store.jobs.job_store import JobRecord

from .encoded_frame import EncodedFrame
from .snapshots import is_final, log_chunks

_encode = msgspec.json.Encoder().encode

_NAME = '"event":"'
"""What stands before the name in every event's frame: scripts, workers and server write frames in one form."""


def event_name(frame: str) -> str:
    """Return the name of an event from its frame, without parsing the whole."""
    start = frame.index(_NAME) + len(_NAME)
    return frame[start : frame.index('"', start)]


def final_frame(token: str, record: JobRecord) -> EncodedFrame:
    """Return the terminal event of a job that has ended, put together from its record."""
    if record.large_result:
        return _large_final_frame(token, record)
    fields: dict[str, msgspec.Raw] = {}
    if record.result:
        fields["result"] = msgspec.Raw(record.result.encode())
    if record.problem:
        fields["problem"] = msgspec.Raw(record.problem.encode())
    data = msgspec.Raw(_encode(fields))
    return _frame(token, record.seq, rfc3339(record.finished or 0), record.state, record.state, data)


_NO_RESULT = b'{"result":null}'
_NO_RESULT_END = b"null}}"
"""What stands in a frame without its result in the place of that, and behind."""


def _large_final_frame(token: str, record: JobRecord) -> EncodedFrame:
    """Return the terminal event of a job with a large result, which stands in it uncopied."""
    without = _frame(
        token, record.seq, rfc3339(record.finished or 0), record.state, record.state, msgspec.Raw(_NO_RESULT)
    )
    assert without.data.endswith(_NO_RESULT_END), "the data are the last of an event's fields"
    head = without.data[: -len(_NO_RESULT_END)]
    return EncodedFrame.of_pieces(head, record.large_result, b"}}")


def log_frame(token: str, record: JobRecord, chunk: LogChunk) -> EncodedFrame:
    """Return the event of a log chunk, put together from the job's record."""
    return _frame(token, chunk.seq, chunk.at, "log", record.state, chunk.data)


def missed_events(token: str, record: JobRecord, after: int) -> list[tuple[int, int, EncodedFrame]] | None:
    """Return the events above `after`, each with its number and class, as a listener would have had them.

    None: the record holds some of them only as what came of them (a state, the newest progress), or it is older.
    """
    if record.seq <= after or (is_final(record) and record.finished is None):
        return None
    events: list[tuple[int, int, EncodedFrame]] = [
        (chunk.seq, EventClass.LOG, log_frame(token, record, chunk))
        for chunk in log_chunks(record)
        if chunk.seq > after
    ]
    if is_final(record):
        events.append((record.seq, EventClass.FINAL, final_frame(token, record)))
    numbers = [seq for seq, _, _ in events]
    return events if numbers == list(range(after + 1, record.seq + 1)) else None


def _frame(token: str, seq: int, at: str, name: str, status: str, data: msgspec.Raw) -> EncodedFrame:
    frame = EventFrame(token=token, seq=seq, at=at, event=name, status=status, data=data)
    return EncodedFrame(_encode(frame))
