"""Events as programs get them, and those that the client makes from a snapshot after a break. Pure."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from tidings.protocol.events import FINAL_STATE
from tidings.protocol.frames.messages import LogChunk, Snapshot
from tidings.protocol.states import State


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a job."""

    name: str
    """`queued`, `started`, `progress`, `log`, `retrying`, `succeeded`, …"""
    data: Any
    """What belongs to it: of `succeeded` `{"result": …}`, of `failed` `{"problem": …}`, of `progress` fraction, message
    and data, of `log` the chunk."""
    seq: int
    """Rises with every event of a job."""
    status: str
    """The job's state then."""
    at: str
    """RFC 3339, the store's clock; empty for one made from a snapshot."""

    @property
    def final(self) -> bool:
        """Whether nothing follows it."""
        return self.name in FINAL_STATE


def missed_events(snapshot: Snapshot, seq: int, status: str | None) -> Iterator[Event]:
    """Yield the events that a snapshot makes up for, in order of their numbers.

    Every chunk of the log that it holds, then where the job stands: its end, or its new state and its newest
    progress. The snapshot does not hold the numbers of those two; they get the highest that no chunk
    bears, so that numbers rise strictly and none is used twice.

    Args:
        snapshot: the server's answer.
        seq: the last number seen.
        status: the last known state; None: none is known.

    """
    chunks = [chunk for chunk in snapshot.log if chunk.seq > seq]
    if snapshot.status in FINAL_STATE.values():
        yield from (_log_event(snapshot, chunk) for chunk in chunks)
        yield Event(snapshot.status, _final_data(snapshot), snapshot.seq, snapshot.status, _finished(snapshot))
        return
    changes = _changes(snapshot, status) if snapshot.seq > seq else []
    taken = {chunk.seq for chunk in chunks}
    free = islice((n for n in range(snapshot.seq, seq, -1) if n not in taken), len(changes))
    stands = [
        Event(name, data, number, snapshot.status, "")
        for number, (name, data) in zip(sorted(free), changes, strict=False)  # the state goes before the progress
    ]
    yield from sorted([*(_log_event(snapshot, chunk) for chunk in chunks), *stands], key=lambda event: event.seq)


def _changes(snapshot: Snapshot, status: str | None) -> list[tuple[str, Any]]:
    """Return the changes that a watcher may have missed: the state if it is another, and the newest progress."""
    changes: list[tuple[str, Any]] = []
    name = _STATE_EVENT.get(snapshot.status)
    waits_for_its_time = snapshot.status == State.SCHEDULED and snapshot.attempt == 0
    if snapshot.status != status and name is not None and not waits_for_its_time:
        changes.append((name, {"attempt": snapshot.attempt}))
    progress = msgspec.json.decode(snapshot.progress)
    if progress is not None:
        changes.append(("progress", progress))
    return changes


_STATE_EVENT = {
    State.SCHEDULED.value: "retrying",
    State.QUEUED.value: "queued",
    State.RUNNING.value: "started",
    State.WAITING.value: "waiting",
}
"""The event that announces a state; the terminal ones bear the state's name."""


def _log_event(snapshot: Snapshot, chunk: LogChunk) -> Event:
    return Event("log", msgspec.json.decode(chunk.data), chunk.seq, snapshot.status, chunk.at)


def _final_data(snapshot: Snapshot) -> dict[str, Any]:
    if snapshot.status == "succeeded":
        return {"result": snapshot.result}
    if snapshot.status == "failed":
        return {"problem": snapshot.problem}
    return {}


def _finished(snapshot: Snapshot) -> str:
    return snapshot.milestones.get("finished", "")
