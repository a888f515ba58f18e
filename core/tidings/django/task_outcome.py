"""How a job stands, as Django's contract says it of a task."""

# Django's own classes are generic for type checkers alone.
from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.tasks.exceptions import TaskResultDoesNotExist
from django.utils import timezone
from django.utils.module_loading import import_string

from tidings.protocol.frames.messages import SnapshotFrame

UNKNOWN_WORKER = "unknown"
"""Stands in `worker_ids` for each attempt: clients do not learn which worker made it."""

_STATUS = {
    "running": TaskResultStatus.RUNNING,
    "succeeded": TaskResultStatus.SUCCESSFUL,
    "failed": TaskResultStatus.FAILED,
    "cancelled": TaskResultStatus.FAILED,
    "expired": TaskResultStatus.FAILED,
}
"""A job's state → a task's; any other is one in which it waits."""

_ERRORS = {"failed": "tidings.JobFailed", "cancelled": "tidings.JobCancelled", "expired": "tidings.JobExpired"}


def declared_task(path: str) -> Task[..., Any]:
    """Return the task that a module declares.

    Args:
        path: its module and its function's name, with dots; the kind of its jobs.

    Raises:
        TaskResultDoesNotExist: there is none, so the job is no task's.

    """
    try:
        found = import_string(path)
    except ImportError as error:
        raise TaskResultDoesNotExist(f"{path} is no task of this project: {error}") from error
    if not isinstance(found, Task):
        raise TaskResultDoesNotExist(f"{path} is no task of this project")
    return found


def task_result(result_id: str, snapshot: SnapshotFrame, alias: str) -> TaskResult[..., Any]:
    """Return a task's result from the snapshot of its job.

    Its `args` and `kwargs` are empty: servers give no client the input of a job.

    Args:
        result_id: the result's id.
        snapshot: of the job.
        alias: the name of the back end.

    Raises:
        TaskResultDoesNotExist: the job is no task's.

    """
    started = _moment(snapshot, "started")
    result = TaskResult(
        task=declared_task(snapshot.kind),
        id=result_id,
        status=_STATUS.get(snapshot.status, TaskResultStatus.READY),
        enqueued_at=_moment(snapshot, "submitted"),
        started_at=started,
        finished_at=_moment(snapshot, "finished"),
        last_attempted_at=started,
        args=[],
        kwargs={},
        backend=alias,
        errors=_errors(snapshot),
        worker_ids=[UNKNOWN_WORKER] * snapshot.attempt,
    )
    if snapshot.status == "succeeded":
        object.__setattr__(result, "_return_value", snapshot.result)
    return result


def _moment(snapshot: SnapshotFrame, name: str) -> datetime | None:
    text = snapshot.milestones.get(name)
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if settings.USE_TZ else timezone.make_naive(found)


def _errors(snapshot: SnapshotFrame) -> list[TaskError]:
    if (path := _ERRORS.get(snapshot.status)) is None:
        return []
    problem = snapshot.problem if isinstance(snapshot.problem, dict) else {}
    text = f"{problem.get('code', snapshot.status)}: {problem.get('detail', f'the job is {snapshot.status}')}"
    return [TaskError(exception_class_path=path, traceback=text)]
