"""The store's records as the snapshots that clients read."""

import msgspec

from tidings.protocol.events import FINAL_STATE
from tidings.protocol.frames.messages import LogChunk, Snapshot, SnapshotFrame
from tidings.protocol.frames.stream_messages import StreamSnapshot
from tidings.protocol.timestamps import MILESTONES, rfc3339
from tidings.protocol.trace_context import trace_id_of
from tidings.store.jobs.job_store import JobRecord

from .step_timeline import timeline

_encode = msgspec.json.Encoder().encode


def snapshot(token: str, record: JobRecord, after: int = 0) -> Snapshot:
    """Return the snapshot of a job for a client that has seen every event up to `after`."""
    truncated = after + 1 < record.log_from
    return Snapshot(
        token=token,
        seq=record.seq,
        status=record.state,
        attempt=record.attempt,
        kind=record.kind,
        progress=_raw(record.progress or "null"),
        result=msgspec.Raw(record.result_json) if record.result_json else msgspec.UNSET,
        problem=_raw(record.problem) if record.problem else msgspec.UNSET,
        milestones={name: rfc3339(ms) for name in MILESTONES if (ms := getattr(record, name)) is not None},
        correlation_id=record.correlation_id or token,
        trace_id=trace_id_of(record.traceparent) or None,
        tags=record.tags.split(),
        log=[] if truncated else log_chunks(record),
        truncated=truncated,
        rewound=after > record.seq,
        held=_raw(record.held) if record.held else msgspec.UNSET,
        streams=_streams(record) if record.streams else msgspec.UNSET,
        steps=timeline(record.steps) if record.steps else msgspec.UNSET,
    )


def snapshot_frame(token: str, record: JobRecord, ref: int | None, after: int = 0) -> bytes:
    """Return the snapshot as a frame that answers `ref`; None: it answers no frame."""
    return _encode(SnapshotFrame(ref=ref, **msgspec.structs.asdict(snapshot(token, record, after))))


def log_chunks(record: JobRecord) -> list[LogChunk]:
    """Return the log chunks that came with a record."""
    return [LogChunk(seq=seq, at=rfc3339(at), data=msgspec.Raw(chunk.encode())) for seq, at, chunk in record.chunks]


def _streams(record: JobRecord) -> dict[str, StreamSnapshot]:
    return {
        stream.name: StreamSnapshot(attempt=stream.attempt, first=stream.first, chunks=_raw(f"[{stream.chunks}]"))
        for stream in record.streams
    }


def is_final(record: JobRecord) -> bool:
    """Return whether the job has ended."""
    return record.state in FINAL_STATE.values()


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
