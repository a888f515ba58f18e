"""The journal of a saga: what it has done so far, and what of that is to undo. Pure."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from tidings.protocol.problems import Problem
from tidings.protocol.steps import StepHead, StepStatus, StepType, decode_head, step_number

UNDOABLE = frozenset(
    {StepStatus.RUNNING, StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.COMPENSATING}
    | {StepStatus.COMPENSATION_FAILED}
)
"""What a step that owes something may be before it is undone."""

_decode_problem = msgspec.json.Decoder(Problem).decode


class JournalRow(NamedTuple):
    """One step in the journal."""

    path: str
    head: StepHead
    input: str = ""
    """JSON text; empty: none was kept."""
    outcome: str = ""
    """JSON text of its result or problem."""
    undone: str = ""
    """JSON text of what its undoing returned, or of its problem."""

    @property
    def problem(self) -> Problem:
        """Why it failed."""
        return _decode_problem(self.outcome)

    @property
    def result(self) -> str:
        """What it returned, as JSON text; `null` if that is not known."""
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
        """Return what is known of a step; None: it has not begun.

        Raises:
            DivergedError: there is another step at its place.

        """
        row = self.rows.get(path)
        if row is not None and (row.head.name, row.head.type) != (name, type_):
            raise DivergedError(path, f"{row.head.type} {row.head.name!r}", f"{type_} {name!r}")
        return row

    def signal(self, name: str, number: int) -> str:
        """Return the value of a signal, the `number`-th of its name from 1, as JSON text; empty: it has not come."""
        return self._fields.get(f"signal:{name}:{number}", "")

    def under_way(self) -> Iterator[JournalRow]:
        """Yield the calls whose children have not been heard of."""
        for row in self.rows.values():
            if row.head.type is StepType.CALL and row.head.status is StepStatus.RUNNING:
                yield row

    def to_undo(self) -> list[JournalRow]:
        """Return the steps that owe an undoing, in the order in which that is due.

        What ended last is undone first. What has not ended may have done its work all the same; it began last.
        """
        owed = [row for row in self.rows.values() if row.head.owes and row.head.undo and row.head.status in UNDOABLE]
        return sorted(owed, key=_undo_order, reverse=True)

    @property
    def undone(self) -> bool:
        """Whether anything has been undone, or was to be."""
        return any(
            row.head.status in (StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED)
            for row in self.rows.values()
        )


def _undo_order(row: JournalRow) -> tuple[bool, int, tuple[int, ...]]:
    return (row.head.ok is None, row.head.order, step_number(row.path))


def step_key(token: str, path: str, epoch: int) -> str:
    """Return the idempotency key of a step: the same in every run, another after the saga began anew."""
    return f"{token}/{path}" + (f"~{epoch}" if epoch else "")


def child_id(token: str, path: str, replays: int) -> str:
    """Return the id of the job that does a step: the same in every run, so that it is made once.

    It has 128 bits that only who knows the parent's token can know, and that is as hard to guess.
    """
    digest = hashlib.sha256(f"{token}/{path}~{replays}".encode()).digest()[:16]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


class DivergedError(Exception):
    """The handler takes another step than its journal has at that place."""

    def __init__(self, path: str, recorded: str, asked: str) -> None:
        self.path = path
        super().__init__(
            f"step {path} is {recorded} in the journal, but the code asked for {asked}: a handler must take the same "
            "steps in the same order each time; let running sagas end before their steps change, or give the new code "
            "a new kind"
        )
