"""The tasks of a project as the jobs that a worker serves."""

# Django's own classes are generic for type checkers alone.
from __future__ import annotations

import importlib
import inspect
import socket
import sys
from collections.abc import Iterator
from traceback import format_exception
from types import ModuleType
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
from django.tasks import Task, TaskResult, TaskResultStatus, task_backends
from django.tasks.base import TaskError
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_finished, task_started
from django.utils import timezone
from django.utils.json import normalize_json
from django.utils.module_loading import autodiscover_modules

from tidings.context.context import Context
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.errors import Reject

from .task_backend import TidingsBackend
from .task_call import check_signature
from .task_context import TidingsTaskContext
from .task_outcome import UNKNOWN_WORKER, declared_task


def project_jobs() -> dict[str, Job[Any, Any]]:
    """Set the project up, and return its tasks as jobs, by their kind.

    The tasks are those of the modules `tasks` of the installed applications, and of the option `MODULES`.

    Raises:
        ImproperlyConfigured: no back end in `TASKS` is a `TidingsBackend`, or a task does not bear the name of its
            function.

    """
    django.setup()
    backends = {alias: one for alias in settings.TASKS if isinstance(one := task_backends[alias], TidingsBackend)}
    if not backends:
        raise ImproperlyConfigured('name "tidings.django.TidingsBackend" as a BACKEND in TASKS')
    found: dict[str, Job[Any, Any]] = {}
    for module in _modules(backends.values()):
        for one in list(vars(module).values()):
            if isinstance(one, Task) and one.backend in backends and one.module_path not in found:
                found[one.module_path] = task_job(_declared(one), backends[one.backend])
    return found


def _modules(backends: Any) -> Iterator[ModuleType]:
    autodiscover_modules("tasks")
    names = [f"{one.name}.tasks" for one in apps.get_app_configs()]
    yield from (sys.modules[name] for name in names if name in sys.modules)
    for backend in backends:
        yield from (importlib.import_module(name) for name in backend.said.modules)


def _declared(task: Task[..., Any]) -> Task[..., Any]:
    try:
        return declared_task(task.module_path)
    except TaskResultDoesNotExist as error:
        raise ImproperlyConfigured(f"{error}: give the task the name of its function") from error


def task_job(task: Task[..., Any], backend: TidingsBackend) -> Job[Any, Any]:
    """Return the job that runs a task."""
    path = task.module_path

    async def run_async(ctx: Context, args: list[Any], kwargs: dict[str, Any], signature: str) -> Any:
        check_signature(path, args, kwargs, signature)
        attempt = _Attempt(task, backend, ctx, args, kwargs)
        await sync_to_async(attempt.begin)()
        try:
            value = normalize_json(await task.func(*attempt.arguments, **kwargs))
        except Exception as error:
            await sync_to_async(attempt.fail)(error)
            raise
        await sync_to_async(attempt.succeed)(value)
        return value

    def run(ctx: SyncContext, args: list[Any], kwargs: dict[str, Any], signature: str) -> Any:
        check_signature(path, args, kwargs, signature)
        attempt = _Attempt(task, backend, ctx, args, kwargs)
        attempt.begin()
        try:
            value = normalize_json(task.func(*attempt.arguments, **kwargs))
        except Exception as error:
            attempt.fail(error)
            raise
        attempt.succeed(value)
        return value

    handler = run_async if inspect.iscoroutinefunction(task.func) else run
    handler.__doc__ = task.func.__doc__
    return Job(
        handler, name=path, queue=task.queue_name, retries=backend.said.retries, timeout=backend.said.run_timeout_s
    )


class _Attempt:
    """One attempt of a task: its context, its signals, and the database connections of its thread."""

    def __init__(
        self,
        task: Task[..., Any],
        backend: TidingsBackend,
        ctx: Context | SyncContext,
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> None:
        self._sender = type(backend)
        self._last = ctx.attempt > backend.said.retries
        now = timezone.now()
        self.result: TaskResult[..., Any] = TaskResult(
            task=task,
            id=ctx.token,
            status=TaskResultStatus.RUNNING,
            enqueued_at=None,
            started_at=now,
            finished_at=None,
            last_attempted_at=now,
            args=args,
            kwargs=kwargs,
            backend=backend.alias,
            errors=[],
            worker_ids=[UNKNOWN_WORKER] * (ctx.attempt - 1) + [socket.gethostname()],
        )
        context = [TidingsTaskContext(task_result=self.result, job=ctx)] if task.takes_context else []
        self.arguments = [*context, *args]

    def begin(self) -> None:
        """Start with connections that work."""
        close_old_connections()
        task_started.send(sender=self._sender, task_result=self.result)

    def succeed(self, value: Any) -> None:
        """End with what the task returned."""
        object.__setattr__(self.result, "_return_value", value)
        self._finish(TaskResultStatus.SUCCESSFUL)

    def fail(self, error: Exception) -> None:
        """End with what the task raised; it has finished where no other attempt follows."""
        kind = type(error)
        self.result.errors.append(
            TaskError(
                exception_class_path=f"{kind.__module__}.{kind.__qualname__}",
                traceback="".join(format_exception(error)),
            )
        )
        if self._last or isinstance(error, Reject):
            self._finish(TaskResultStatus.FAILED)
        else:
            close_old_connections()

    def _finish(self, status: TaskResultStatus) -> None:
        object.__setattr__(self.result, "status", status)
        object.__setattr__(self.result, "finished_at", timezone.now())
        task_finished.send(sender=self._sender, task_result=self.result)
        close_old_connections()
