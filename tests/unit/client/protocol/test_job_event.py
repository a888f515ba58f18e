"""What a snapshot makes up for."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.client.protocol.job_event import missed_events
from tidings.protocol.frames.messages import LogChunk, Snapshot


def snapshot(
    seq: int, status: str = "running", progress: Any = None, log: tuple[int, ...] = (), **fields: Any
) -> Snapshot:
    chunks = [LogChunk(seq=n, at="", data=msgspec.Raw(b"%d" % n)) for n in log]
    encoded = msgspec.Raw(msgspec.json.encode(progress))
    said: dict[str, Any] = {"attempt": 1, "milestones": {}, "truncated": False, "rewound": False} | fields
    return Snapshot(token="t", kind="k", seq=seq, status=status, progress=encoded, log=chunks, **said)


def told(snapshot: Snapshot, seq: int = 0, status: str | None = None) -> list[tuple[int, str]]:
    return [(event.seq, event.name) for event in missed_events(snapshot, seq, status)]


def test_a_new_state_and_the_newest_progress_get_the_highest_numbers_that_no_chunk_bears() -> None:
    found = snapshot(9, progress={"fraction": 0.5}, log=(5, 6, 8))
    assert told(found, 4, "queued") == [(5, "log"), (6, "log"), (7, "started"), (8, "log"), (9, "progress")]
    assert told(found, 4, "running") == [(5, "log"), (6, "log"), (8, "log"), (9, "progress")]


@pytest.mark.parametrize(
    ("status", "attempt", "name"),
    [("queued", 0, "queued"), ("running", 1, "started"), ("scheduled", 1, "retrying"), ("waiting", 1, "waiting")],
)
def test_each_state_is_announced_by_its_event(status: str, attempt: int, name: str) -> None:
    (event,) = missed_events(snapshot(3, status, attempt=attempt), 1, "other")
    assert (event.name, event.status, event.data) == (name, status, {"attempt": attempt})


def test_a_job_that_waits_for_its_time_has_had_no_event() -> None:
    assert told(snapshot(1, "scheduled", attempt=0)) == []


def test_who_has_seen_everything_is_told_nothing_but_the_end() -> None:
    assert told(snapshot(7, progress={"fraction": 1}, log=(7,)), 7, "queued") == []
    problem = {"code": "rejected"}
    (event,) = missed_events(
        snapshot(7, "failed", log=(7,), problem=problem, milestones={"finished": "then"}), 7, "failed"
    )
    assert (event.name, event.data, event.seq, event.at, event.final) == (
        "failed",
        {"problem": problem},
        7,
        "then",
        True,
    )


@given(
    st.sets(st.integers(1, 12)),
    st.integers(0, 12),
    st.integers(0, 12),
    st.booleans(),
    st.sampled_from(["running", "queued"]),
)
def test_numbers_rise_strictly_above_the_last_seen_and_no_chunk_is_left_out(
    log: set[int], more: int, seq: int, reported: bool, status: str
) -> None:
    newest = max([*log, seq]) + more
    found = snapshot(newest, progress={} if reported else None, log=tuple(sorted(log)))
    events = list(missed_events(found, seq, status))
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))
    assert all(seq < number <= newest for number in numbers)
    assert [event.seq for event in events if event.name == "log"] == sorted(n for n in log if n > seq)
