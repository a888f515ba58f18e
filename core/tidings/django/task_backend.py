"""The back end of `django.tasks`: tasks are jobs, and their results are pushed to pages."""

# Django's own classes are generic for type checkers alone.
from __future__ import annotations

import re
import secrets
from functools import partial
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core import checks
from django.db import transaction
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils import timezone

from tidings.client.submit.submit_options import SubmitOptions
from tidings.client.sync.sync_client import SyncClient
from tidings.protocol.kinds.kind_record import KIND_PATTERN
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import QUEUE_PATTERN

from .backend_options import BackendOptions, backend_options
from .process_client import process_client
from .task_call import task_input
from .task_outcome import task_result

P = ParamSpec("P")
R = TypeVar("R")

LATER = "commit-"
"""What the id begins with of a task that is submitted when its transaction commits. The id is a tag of its job."""


class TidingsBackend(BaseTaskBackend):
    """Submits tasks as jobs, whose kind is the task's path: `reports.tasks.sales_report`.

    ::

        TASKS = {"default": {"BACKEND": "tidings.django.TidingsBackend", "OPTIONS": {"ON_COMMIT": True}}}
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = False

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        """Read the settings; the connection is opened when it is first needed.

        Raises:
            InvalidTaskBackend: an option is unknown, of another type or out of bounds.

        """
        super().__init__(alias, params)
        self.said: BackendOptions = backend_options(alias, self.options)

    @property
    def client(self) -> SyncClient:
        """The connection of this process.

        Raises:
            ConnectionFailed: no server answers, or it does not accept the credential.

        """
        return process_client(self.said)

    def validate_task(self, task: Task[..., Any]) -> None:
        """Refuse a task that cannot be a job.

        Raises:
            InvalidTask: the text says why.

        """
        super().validate_task(task)
        if not re.match(QUEUE_PATTERN, task.queue_name):
            raise InvalidTask(f"queue_name is {task.queue_name!r}; it has 1 to 63 of a-z, 0-9, `-` and `_`")
        if not re.match(KIND_PATTERN, task.module_path):
            raise InvalidTask(
                f"{task.module_path!r} has more than 128 characters, or others than ASCII: rename the task"
            )

    def enqueue(self, task: Task[P, R], args: list[Any], kwargs: dict[str, Any]) -> TaskResult[P, R]:
        """Submit a task; with `ON_COMMIT` in a transaction: have it submitted when that commits.

        Raises:
            InvalidTask: it cannot be a job.
            TypeError: an argument has no form in JSON.
            ProblemError: the server refused it. `unknown_kind`: no worker registered it. `store_unavailable`: no answer
                came in time, and the server may have taken it.
            ConnectionFailed: no server answers.

        """
        self.validate_task(task)
        said = task_input(task.module_path, args, kwargs)
        options = SubmitOptions(queue=task.queue_name, at=_aware(task), watch=False)
        if self.said.on_commit and transaction.get_connection().in_atomic_block:
            later = f"{LATER}{secrets.token_hex(16)}"
            named = SubmitOptions(queue=task.queue_name, at=_aware(task), watch=False, key=later, tags=[later])
            result = self._result(task, later, said)
            transaction.on_commit(partial(self._submit_later, result, said, named))
            return result
        result = self._result(task, self._submit(task.module_path, said, options), said)
        task_enqueued.send(type(self), task_result=result)
        return result

    async def aenqueue(self, task: Task[P, R], args: list[Any], kwargs: dict[str, Any]) -> TaskResult[P, R]:
        """Submit a task, as `enqueue`; it holds up no other request."""
        enqueue: Any = self.enqueue  # whose type variables no checker carries through
        # A transaction belongs to its thread.
        found: TaskResult[P, R] = await sync_to_async(enqueue, thread_sensitive=self.said.on_commit)(task, args, kwargs)
        return found

    def get_result(self, result_id: str) -> TaskResult[..., Any]:
        """Return how a task stands.

        Raises:
            TaskResultDoesNotExist: there is no such job of the project's, or no more.
            ConnectionFailed: no server answers.
            TimeoutError: no answer came in time.

        """
        try:
            handle = self.client.watch(self.token_of(result_id))
        except ProblemError as error:
            if error.code != "unknown_token":
                raise
            raise TaskResultDoesNotExist(f"there is no result {result_id}, or no more") from error
        snapshot = handle.snapshot
        handle.close()
        assert snapshot is not None, "watch returns behind it"
        return task_result(result_id, snapshot, self.alias)

    async def aget_result(self, result_id: str) -> TaskResult[..., Any]:
        """Return how a task stands, as `get_result`; it holds up no other request."""
        return await sync_to_async(self.get_result, thread_sensitive=False)(result_id)

    def token_of(self, result_id: str) -> str:
        """Return the token of a result's job.

        Raises:
            TaskResultDoesNotExist: its transaction has not committed; or so many jobs came later that the server does
                not list it any more.

        """
        if not result_id.startswith(LATER):
            return result_id
        for job in self.client.jobs(tag=result_id):
            return job.token
        raise TaskResultDoesNotExist(f"there is no job of {result_id}: was its transaction committed?")

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Return what is wrong with the settings, for `manage.py check`."""
        return [
            checks.Error(
                f"TASKS[{self.alias!r}]['QUEUES'] names {queue!r}",
                hint="a queue has 1 to 63 of a-z, 0-9, `-` and `_`",
                id="tidings.E001",
            )
            for queue in sorted(self.queues)
            if not re.match(QUEUE_PATTERN, queue)
        ]

    def _submit_later(self, result: TaskResult[..., Any], said: dict[str, Any], options: SubmitOptions) -> None:
        self._submit(result.task.module_path, said, options)
        task_enqueued.send(type(self), task_result=result)

    def _submit(self, kind: str, said: dict[str, Any], options: SubmitOptions) -> str:
        """Submit a job, and return its token."""
        try:
            return self.client.submit(kind, said, options=options).token
        except TimeoutError as error:
            detail = f"the server of the jobs gave no answer within {self.said.timeout_s:g} s: try again later"
            raise problem_error("store_unavailable", detail, retry_after=1) from error

    def _result(self, task: Task[P, R], result_id: str, said: dict[str, Any]) -> TaskResult[P, R]:
        return TaskResult(
            task=task,
            id=result_id,
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=said["args"],
            kwargs=said["kwargs"],
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )


def _aware(task: Task[..., Any]) -> Any:
    """Return before when a task does not run, with its time zone."""
    moment = task.run_after
    return moment if moment is None or timezone.is_aware(moment) else timezone.make_aware(moment)
