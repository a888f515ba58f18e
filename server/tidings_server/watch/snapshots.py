"""The store's records as what clients read: snapshots, and events put together again."""

import msgspec

from tidings.protocol.events import FINAL_STATE, EventClass
from tidings.protocol.messages import EventFrame, LogChunk, Snapshot, SnapshotFrame
from tidings.protocol.timestamps import MILESTONES, rfc3339
from tidings.protocol.trace_context import trace_id_of
from tidings.store.job_store import JobRecord

from .encoded_frame import EncodedFrame
from .step_timeline import timeline

_encode = msgspec.json.Encoder().encode


def snapshot(token: str, record: JobRecord, after: int = 0) -> Snapshot:
    """Return the snapshot of a job for somebody who has seen everything up to `after`."""
    seq = record.seq
    truncated = after + 1 < record.log_from
    return Snapshot(
        token=token,
        seq=seq,
        status=record.state,
        attempt=record.attempt,
        kind=record.kind,
        progress=_raw(record.progress or "null"),
        result=_raw(record.result) if record.result else msgspec.UNSET,
        problem=_raw(record.problem) if record.problem else msgspec.UNSET,
        milestones={name: rfc3339(ms) for name in MILESTONES if (ms := getattr(record, name)) is not None},
        correlation_id=record.correlation_id or token,
        trace_id=trace_id_of(record.traceparent) or None,
        log=[] if truncated else log_chunks(record),
        truncated=truncated,
        rewound=after > seq,
        steps=timeline(record.steps) if record.steps else msgspec.UNSET,
    )


def snapshot_frame(token: str, record: JobRecord, ref: int | None, after: int = 0) -> bytes:
    """Return the same as a frame that answers `ref`, or none."""
    return _encode(SnapshotFrame(ref=ref, **msgspec.structs.asdict(snapshot(token, record, after))))


def log_chunks(record: JobRecord) -> list[LogChunk]:
    """Return the log chunks that came with a record."""
    return [LogChunk(seq=seq, at=rfc3339(at), data=msgspec.Raw(chunk.encode())) for seq, at, chunk in record.chunks]


def is_final(record: JobRecord) -> bool:
    """Return whether the job has ended."""
    return record.state in FINAL_STATE.values()


def final_event(token: str, record: JobRecord) -> EventFrame:
    """Return the terminal event of a job that has ended, put together from its record."""
    data: dict[str, msgspec.Raw] = {}
    if record.result:
        data["result"] = _raw(record.result)
    if record.problem:
        data["problem"] = _raw(record.problem)
    return EventFrame(
        token=token,
        seq=record.seq,
        at=rfc3339(record.finished or 0),
        event=record.state,
        status=record.state,
        data=msgspec.Raw(_encode(data)),
    )


def log_event(token: str, record: JobRecord, chunk: LogChunk) -> EventFrame:
    """Return the event of a log chunk, put together again."""
    return EventFrame(token=token, seq=chunk.seq, at=chunk.at, event="log", status=record.state, data=chunk.data)


def final_frame(token: str, record: JobRecord) -> EncodedFrame:
    """Return the same as a frame."""
    return EncodedFrame(_encode(final_event(token, record)))


def missed_events(token: str, record: JobRecord, after: int) -> list[tuple[int, int, EncodedFrame]] | None:
    """Return the events above `after`, each with its number and class, as a listener would have had them.

    None: the record holds some of them only as what came of them (a state, the newest progress), or it is older.
    """
    if record.seq <= after or (is_final(record) and record.finished is None):
        return None
    events: list[tuple[int, int, EncodedFrame]] = [
        (chunk.seq, EventClass.LOG, EncodedFrame(_encode(log_event(token, record, chunk))))
        for chunk in log_chunks(record)
        if chunk.seq > after
    ]
    if is_final(record):
        events.append((record.seq, EventClass.FINAL, final_frame(token, record)))
    numbers = [seq for seq, _, _ in events]
    return events if numbers == list(range(after + 1, record.seq + 1)) else None


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
