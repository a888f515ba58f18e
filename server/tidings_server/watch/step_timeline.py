"""A saga's steps as clients see them. Pure."""

from collections.abc import Iterable

import msgspec

from tidings.protocol.steps import Step, StepRow, decode_head, step_number
from tidings.protocol.timestamps import rfc3339


def timeline(rows: Iterable[StepRow]) -> list[Step]:
    """Return the steps in the store's record, in the order of the program."""
    return [_step(row) for row in sorted(rows, key=lambda row: step_number(row.path))]


def _step(row: StepRow) -> Step:
    head = decode_head(row.head)
    outcome = _raw(row.outcome)
    return Step(
        path=row.path,
        name=head.name,
        type=head.type,
        status=head.status,
        began=rfc3339(head.began),
        ended=rfc3339(head.ended) if head.ended else None,
        attempts=head.attempts,
        worker=head.worker or None,
        child=head.child or None,
        kind=head.kind or None,
        input=_raw(row.input),
        result=outcome if head.ok else msgspec.UNSET,
        problem=outcome if head.ok is False else msgspec.UNSET,
        cut_bytes=row.cut,
        undo=head.undo or None,
        undo_child=head.undo_child or None,
    )


def _raw(text: str) -> msgspec.Raw | msgspec.UnsetType:
    return msgspec.Raw(text.encode()) if text else msgspec.UNSET
