"""One job whose attempts say what a test wants, and readers of its streams."""

from typing import Any

import msgspec

from support.queued import Queued
from tidings.store.attempts.attempt_store import AttemptReport
from tidings.store.streams.stream_records import KEEP, STREAM, KeepChunks, StreamChunks
from tidings_server.watch.snapshots import snapshot

_encode = msgspec.json.encode


def said(stream: str, index: int, *chunks: Any, attempt: int = 1) -> StreamChunks:
    """Return chunks as a report has them."""
    texts = [_encode(chunk).decode() for chunk in chunks]
    return StreamChunks(STREAM, stream, attempt, index, sum(len(text.encode()) + 2 for text in texts), texts)


def kept(stream: str, count: int, size: int = 0, attempt: int = 2) -> KeepChunks:
    """Return that an attempt keeps chunks, as a report has it."""
    return KeepChunks(KEEP, stream, attempt, count, size)


def report_of(job: Queued, fence: int, number: int, *events: Any) -> AttemptReport:
    """Return a report with some events."""
    report = AttemptReport(job.id, fence, number)
    report.events += events
    report.has_streams = True
    return report


async def snapshot_of(job: Queued, after: int = 0) -> dict[str, Any]:
    """Return a snapshot as a client reads it that has seen every event up to `after`."""
    record = await job.gateway.watch(job.token, after)
    found: dict[str, Any] = msgspec.json.decode(_encode(snapshot(str(job.token), record, after)))
    return found


async def streams_of(job: Queued, after: int = 0) -> Any:
    """Return the streams of a snapshot."""
    return (await snapshot_of(job, after)).get("streams")
