"""The checker catches each thing that must not be, in a history written by hand, and nothing in a good one."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from faults.checks.checker import check
from faults.checks.history import (
    Acked,
    Asked,
    CancelAsked,
    Effect,
    Entry,
    Followed,
    Found,
    History,
    Left,
    Refused,
    Saw,
    Stored,
    Told,
)

T = "default.t"


def chunk(n: int, run: str = "r") -> dict[str, Any]:
    return {"run": run, "n": n}


LOG = [(3, chunk(0)), (5, chunk(1))]
ASKED = Asked("k1", "chunks", {"number": 7, "count": 2, "pause": 0})
ACKED = Acked("client", "k1", T)
STARTED = Saw("client", T, 2, "started", {"attempt": 1})
FIRST = Saw("client", T, 3, "log", chunk(0))
SECOND = Saw("client", T, 5, "log", chunk(1))
ENDED = Saw("client", T, 6, "succeeded", {"result": 7})
FOLLOWED = Followed("observer", T)
TOLD = Told("observer", T, 3, "running", LOG[:1])
SECOND_TOO = msgspec.structs.replace(SECOND, observer="observer")
ENDED_TOO = msgspec.structs.replace(ENDED, observer="observer")
FOUND = [Found(server, T, 6, "succeeded", LOG, 7) for server in ("server-0", "server-1")]
BEGAN = Effect(T, 1, "r", 1, 0.0, "began")
DONE = Effect(T, 1, "r", 1, 1.0, "ended")
STORED = Stored("k1", T, "succeeded")

GOOD: list[Entry] = [
    ASKED, ACKED, STARTED, FIRST, FOLLOWED, TOLD, SECOND, ENDED, SECOND_TOO, ENDED_TOO, *FOUND, BEGAN, DONE, STORED,
    Left("schedule", 0),
]  # fmt: skip
"""One job, seen by its client from the start and by an observer from a snapshot on; number 4 was progress."""


def rules(entries: Iterable[Entry]) -> set[str]:
    return {violation.rule for violation in check(History(entries))}


def without(*entries: Entry) -> list[Entry]:
    return [entry for entry in GOOD if entry not in entries]


def swapped(old: Entry, new: Entry) -> list[Entry]:
    return [new if entry is old else entry for entry in GOOD]


def after(old: Entry, *new: Entry) -> list[Entry]:
    at = GOOD.index(old) + 1
    return [*GOOD[:at], *new, *GOOD[at:]]


def other(entry: Entry, **changes: Any) -> Any:
    return msgspec.structs.replace(entry, **changes)


def test_a_good_history_holds() -> None:
    assert check(History(GOOD)) == []


BAD: dict[str, tuple[str, list[Entry]]] = {
    "an acked job is unknown to a server": ("lost", swapped(FOUND[1], Found("server-1", T, 0, ""))),
    "an acked job never ends": ("lost", swapped(FOUND[0], other(FOUND[0], status="running"))),
    "no server tells of an acked job": ("lost", without(*FOUND)),
    "two servers tell two states": ("two-outcomes", swapped(FOUND[1], other(FOUND[1], status="failed"))),
    "two observers are told two ends": ("two-outcomes", swapped(ENDED_TOO, other(ENDED_TOO, event="failed"))),
    "the result is told as another": ("two-outcomes", swapped(ENDED_TOO, other(ENDED_TOO, data={"result": 8}))),
    "a job has the result of another": ("outcome", [other(one, outcome=8) if one in FOUND else one for one in GOOD]),
    "a job fails that should not": ("outcome", [other(one, status="failed") if one in FOUND else one for one in GOOD]),
    "a job is cancelled that nobody cancelled": (
        "outcome",
        [other(one, status="cancelled") if one in FOUND else one for one in GOOD],
    ),
    "a job succeeds that nobody ran": ("outcome", without(DONE)),
    "a key is acked with two tokens": ("two-jobs", after(ACKED, Acked("client", "k1", "default.u", 1, True))),
    "a key has two records": ("two-jobs", after(STORED, Stored("k1", "default.u", "succeeded"))),
    "a record belongs to no submit": ("two-jobs", after(STORED, Stored("", "default.u", "succeeded"))),
    "an event comes twice": ("order", after(FIRST, FIRST)),
    "numbers fall": ("order", after(SECOND, Saw("client", T, 4, "progress"))),
    "a snapshot repeats a chunk": ("order", after(SECOND_TOO, other(TOLD, seq=5, log=LOG))),
    "an event comes after the end": ("after-end", after(ENDED, Saw("client", T, 7, "progress"))),
    "a second end comes": ("after-end", after(ENDED, other(ENDED, seq=7))),
    "a snapshot comes after the end": ("after-end", after(ENDED_TOO, other(TOLD, seq=6, status="succeeded", log=[]))),
    "the store forgets": ("rewound", after(SECOND_TOO, other(TOLD, seq=2, log=[]))),
    "a snapshot says that it rewinds": ("rewound", after(SECOND_TOO, other(TOLD, seq=5, log=[], rewound=True))),
    "an event comes before the answer": ("early", swapped(STARTED, other(STARTED, known=False))),
    "an observer is never told the end": ("unheard", without(ENDED_TOO)),
    "an observer is told nothing at all": ("unheard", without(TOLD, SECOND_TOO, ENDED_TOO)),
    "a change is skipped": ("missing-change", [*without(STARTED), Followed("third", T), other(STARTED, observer="x")]),
    "a chunk is skipped": ("missing-chunk", without(SECOND_TOO)),
    "a snapshot lacks a chunk": ("missing-chunk", swapped(TOLD, other(TOLD, log=[]))),
    "a log is cut off": ("missing-chunk", swapped(TOLD, other(TOLD, truncated=True))),
    "chunks of a run have a hole": (
        "missing-chunk",
        [other(one, log=[LOG[0], (5, chunk(2))]) if one in FOUND else one for one in GOOD],
    ),
    "the run that succeeded lacks its last chunk": (
        "missing-chunk",
        [other(one, log=LOG[:1]) if one in FOUND else one for one in GOOD],
    ),
    "a run speaks after the next has begun": (
        "fence",
        [other(one, log=[*LOG, (6, chunk(0, "s")), (7, chunk(2))]) if one in FOUND else one for one in GOOD],
    ),
    "one number is two events": ("unlike", swapped(SECOND_TOO, other(SECOND_TOO, data=chunk(9)))),
    "two runs got two values of one `once`": (
        "once",
        after(DONE, Effect(T, 1, "r", 1, 0, "once", "a"), Effect(T, 2, "s", 2, 0, "once", "b")),
    ),
    "something waits at the end": ("left", after(STORED, Left("ready stream", 1))),
    "a record has not ended": ("left", swapped(STORED, other(STORED, status="running"))),
    "a watch of an acked job is refused": ("refused", after(TOLD, Refused("observer", T, {"code": "unknown_token"}))),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_caught(name: str) -> None:
    rule, entries = BAD[name]
    assert rule in rules(entries)


def test_progress_may_be_skipped_and_a_snapshot_stands_for_changes() -> None:
    assert rules(after(FIRST, Saw("client", T, 4, "progress"))) == set()  # the observer was not sent it
    seen_by_others = [other(STARTED, observer="client"), *without(STARTED)]
    assert rules([*seen_by_others, Told("late", T, 6, "succeeded", LOG, 7)]) == set()


def test_a_job_that_was_asked_to_stop_may_be_cancelled() -> None:
    cancelled = [
        other(one, event="cancelled", data={}) if one in (ENDED, ENDED_TOO) else one
        for one in (other(one, status="cancelled", outcome=None) if one in FOUND else one for one in GOOD)
    ]
    assert rules(cancelled) == {"outcome"}
    assert rules([*cancelled, CancelAsked(T)]) == set()


def test_equal_values_of_once_are_consistent() -> None:
    assert rules([*GOOD, Effect(T, 1, "r", 1, 0, "once", "a"), Effect(T, 2, "s", 2, 0, "once", "a")]) == set()


def test_a_history_can_be_kept_and_read() -> None:
    lines = History(GOOD).lines()
    read = [msgspec.json.decode(line, type=Entry) for line in lines.splitlines()]
    assert check(History(read)) == []
