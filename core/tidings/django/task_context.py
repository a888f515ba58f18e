"""The context of a task's job, for tasks that ask for Django's context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.tasks import TaskContext

from tidings.context.context import Context
from tidings.context.sync_context import SyncContext

if TYPE_CHECKING:
    _TaskContext = TaskContext[..., Any]
else:
    _TaskContext = TaskContext


@dataclass(frozen=True, slots=True, kw_only=True)
class TidingsTaskContext(_TaskContext):  # type: ignore[misc]
    """Django's context of a task, with that of its job."""

    job: Context | SyncContext
    """The job's."""


def sync_context_of(context: TaskContext[..., Any]) -> SyncContext:
    """Return the context of the job that runs a plain task.

    ::

        @task(takes_context=True)
        def report(context, year: int) -> int:
            sync_context_of(context).progress(3, 12, message="March")

    Raises:
        LookupError: no worker of Tidings runs the task, as under Django's `ImmediateBackend`.
        TypeError: the task is `async def`: use `context_of`.

    """
    job = _job_of(context)
    if isinstance(job, SyncContext):
        return job
    raise TypeError("this task is `async def`: use context_of(context), whose methods are awaited")


def context_of(context: TaskContext[..., Any]) -> Context:
    """Return the context of the job that runs an `async def` task.

    Raises:
        LookupError: no worker of Tidings runs the task.
        TypeError: the task is plain: use `sync_context_of`.

    """
    job = _job_of(context)
    if isinstance(job, Context):
        return job
    raise TypeError("this task is a plain function: use sync_context_of(context)")


def _job_of(context: TaskContext[..., Any]) -> Context | SyncContext:
    if isinstance(context, TidingsTaskContext):
        return context.job
    raise LookupError("no worker of Tidings runs this task, so there is no job to report of")
