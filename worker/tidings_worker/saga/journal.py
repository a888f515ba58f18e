"""The journal of a saga: the steps it has taken, and those it has to undo. Pure."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from tidings.protocol.problems import Problem
from tidings.protocol.steps import StepHead, StepStatus, StepType, decode_head, step_number

from .step_transitions import UNDO_BEGUN, UNDOABLE

_decode_problem = msgspec.json.Decoder(Problem).decode


class JournalRow(NamedTuple):
    """One step in the journal."""

    path: str
    head: StepHead
    input: str = ""
    """JSON text; empty: the journal has none."""
    outcome: str = ""
    """JSON text of its result or problem."""
    undone: str = ""
    """JSON text of the result of its undoing, or of the problem with which that failed."""

    @property
    def problem(self) -> Problem:
        """The problem with which it failed."""
        return _decode_problem(self.outcome)

    @property
    def result(self) -> str:
        """Its result, as JSON text; `null` if the journal has none."""
        return self.outcome if self.head.ok else "null"


class Journal:
    """The steps of a saga by their paths, and the signals that have come."""

    def __init__(self, fields: Iterable[str] = ()) -> None:
        """Read the fields of the store's hash: names and values, one after the other."""
        values = iter(fields)
        self._fields = dict(zip(values, values, strict=True))
        self.rows = {
            name: self._row(name, text) for name, text in self._fields.items() if name.replace(".", "").isdigit()
        }

    def _row(self, path: str, head: str) -> JournalRow:
        found = (self._fields.get(path + part, "") for part in (":in", ":out", ":undone"))
        return JournalRow(path, decode_head(head), *found)

    def find(self, path: str, name: str, type_: StepType) -> JournalRow | None:
        """Return a step; None: it has not begun.

        Raises:
            DivergedError: the journal has another step at its place.

        """
        row = self.rows.get(path)
        if row is not None and (row.head.name, row.head.type) != (name, type_):
            raise DivergedError(path, f"{row.head.type} {row.head.name!r}", f"{type_} {name!r}")
        return row

    def signal(self, name: str, number: int) -> str:
        """Return the value of a signal, the `number`-th of its name from 1, as JSON text; empty: it has not come."""
        return self._fields.get(f"signal:{name}:{number}", "")

    def under_way(self) -> Iterator[JournalRow]:
        """Yield the calls whose children have not ended, as far as the journal knows."""
        for row in self.rows.values():
            if row.head.type is StepType.CALL and row.head.status is StepStatus.RUNNING:
                yield row

    def to_undo(self) -> list[JournalRow]:
        """Return the steps that the saga has to undo, in the order in which it undoes them.

        The saga undoes the step that ended last first. A step that has not ended may have done its work all the same;
        it comes before all others, because it began last.
        """
        owed = [row for row in self.rows.values() if row.head.owes and row.head.undo and row.head.status in UNDOABLE]
        return sorted(owed, key=_undo_order, reverse=True)

    @property
    def undone(self) -> bool:
        """Whether the saga has undone a step, or has tried to."""
        return any(row.head.status in UNDO_BEGUN for row in self.rows.values())


def _undo_order(row: JournalRow) -> tuple[bool, int, tuple[int, ...]]:
    return (row.head.ok is None, row.head.order, step_number(row.path))


def step_key(token: str, path: str, epoch: int) -> str:
    """Return the idempotency key of a step: the same in every run until an operator's replay empties the journal."""
    return f"{token}/{path}" + (f"~{epoch}" if epoch else "")


def child_id(token: str, path: str, replays: int) -> str:
    """Return the id of the job that does a step: the same in every run, so that the store makes that job once.

    Its 128 bits can be computed only from the parent's token, which is as hard to guess.
    """
    digest = hashlib.sha256(f"{token}/{path}~{replays}".encode()).digest()[:16]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


DIVERGED = "saga_diverged"
"""The code of the problem of a saga that its handler does not fit."""


class DivergedError(Exception):
    """The handler takes another step than the journal has at that place."""

    def __init__(self, path: str, recorded: str, asked: str) -> None:
        self.path = path
        super().__init__(
            f"step {path} is {recorded} in the journal, but the code asked for {asked}: a handler must take the same "
            "steps in the same order each time; let running sagas end before you change their steps, or give the new "
            "code a new kind"
        )
