"""What must be so when all is quiet, of every saga of a run and of what it called."""

import json

from saga.programs.model import expected
from saga.programs.play import JobEnd, Played, told
from tidings.protocol.states import TERMINAL
from tidings.protocol.steps import StepStatus, StepType, step_number
from tidings_worker.saga.journal import JournalRow

UNTOUCHED = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED})
TRIED = frozenset({StepStatus.COMPENSATED, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED})


def check(played: Played) -> None:
    """Assert all of it; what is said otherwise is all there is to know of the run."""
    try:
        for job in played.jobs.values():
            assert job.state in TERMINAL, f"{job.token} is still {job.state}"
        _check_end(played)
        for saga in played.jobs.values():
            _check_children(saga, played)
            if saga.fields["kind"] == "program":
                _check_saga(saga, played)
        _check_undone(played)
        if played.trial.is_calm:
            _check_once(played)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{told(played)}") from error


def _check_end(played: Played) -> None:
    """The end is that of the program, unless somebody wished that it stop."""
    root = played.jobs[played.root]
    end = expected(played.trial.body)
    if played.trial.is_wished:
        stopped = root.state in ("cancelled", "expired") or root.problem.get("code") in ("cancelled", "expired")
        if stopped:
            return
    assert root.state == end.state, f"the program is expected to end as {end}"
    if end.state == "succeeded":
        assert json.loads(root.fields["result"]) == end.values, f"expected: {end}"
    else:
        assert root.problem["code"] == end.code, f"expected: {end}"


def _check_children(saga: JobEnd, played: Played) -> None:
    """A child is its parent's, and the parent knows how it ended."""
    if "parent" not in saga.fields:
        return
    parent, _, path = saga.fields["parent"].partition(" ")
    row = played.jobs[parent].rows[path.removesuffix("u")]
    if path.endswith("u"):
        assert row.head.undo_child == saga.token, f"{saga.token} undoes a step of which nobody knows that"
        done = row.head.status is StepStatus.COMPENSATED
    else:
        assert row.head.child == saga.token, f"{saga.token} is a child of which nobody knows"
        done = row.head.ok is True
    assert done == (saga.state == "succeeded"), f"step {path} of {parent} says otherwise than {saga.token}"


def _check_saga(saga: JobEnd, played: Played) -> None:
    if saga.state == "succeeded":
        for row in saga.rows.values():
            assert row.head.status in UNTOUCHED, f"{saga.token} succeeded; step {row.path} is {row.head.status}"
            assert _key(saga, row) not in played.ledger.undone or not row.head.undo
    else:
        failed = [row for row in saga.rows.values() if row.head.status is StepStatus.COMPENSATION_FAILED]
        assert (saga.compensation == "incomplete") == bool(failed), f"{saga.token} is {saga.compensation}"
        for row in saga.rows.values():
            _check_row(saga, row, played, complete=not failed)
        tried = any(row.head.status in TRIED for row in saga.rows.values())
        assert bool(saga.compensation) == tried, f"{saga.token} says {saga.compensation!r}"
    _check_order(saga, played)


def _check_row(saga: JobEnd, row: JournalRow, played: Played, *, complete: bool) -> None:
    """A step with an undo is undone, or never had an effect; or the saga says that it could not undo everything."""
    key, head = _key(saga, row), row.head
    what = f"step {row.path} of {saga.token} is {head.status}"
    if complete:
        assert not head.owes, f"{what} and owes something"
        assert head.status is not StepStatus.RUNNING or head.type in (StepType.SIGNAL, StepType.SLEEP) or not head.undo
        assert not (head.undo and head.ok) or head.status is StepStatus.COMPENSATED, what
    if head.status is StepStatus.COMPENSATED:
        assert key in played.ledger.undone, f"{what}, and nobody did that"
        assert played.ledger.undone[key] == bool(head.ok), f"{what}; its undo was told another result"
        assert not played.ledger.stands(key), f"{what}, and {played.ledger.stands(key)} stand"
    elif head.status in UNTOUCHED:
        assert key not in played.ledger.undone or not head.undo, f"{what}, and was undone"
    child = played.jobs.get(head.child)
    if child is not None and child.compensation == "complete":
        assert head.status is StepStatus.FAILED, f"{what}, though its child has undone itself"
    if head.status is StepStatus.FAILED and head.undo and not head.owes and not _undid_itself(row, played):
        assert not played.ledger.stands(key), f"{what}, and its effect stands"


def _undid_itself(row: JournalRow, played: Played) -> bool:
    """Whether a child is a saga that failed by its own word: what it leaves is what nothing of its own undoes."""
    child = played.jobs.get(row.head.child)
    return child is not None and bool(child.rows) and child.state == "failed"


def _check_order(saga: JobEnd, played: Played) -> None:
    """What ended last is undone first."""
    rows = {_key(saga, row): row for row in saga.rows.values() if row.head.status in TRIED}
    undone = [rows[key] for key in played.ledger.undone if key in rows]
    late = sorted(undone, key=lambda row: (row.head.ok is None, row.head.order, step_number(row.path)), reverse=True)
    assert undone == late, f"{saga.token} undid {[row.path for row in undone]}"


def _check_undone(played: Played) -> None:
    """Nothing was undone but what a saga says that it undid."""
    tried = {_key(saga, row) for saga in played.jobs.values() for row in saga.rows.values() if row.head.status in TRIED}
    asked = {call.partition(" ")[2] for call in played.ledger.calls if call.startswith("undo ")}
    assert asked <= tried, f"{asked - tried} were undone, and no saga knows of it"


def _check_once(played: Played) -> None:
    """Without accidents nothing is done more often than it failed, and once more."""
    for call, count in played.ledger.calls.items():
        assert count <= 2 or call.startswith("stumble "), f"{count} times: {call}"


def _key(saga: JobEnd, row: JournalRow) -> str:
    return f"{saga.token}/{row.path}"
