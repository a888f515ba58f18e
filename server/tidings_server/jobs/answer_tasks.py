"""Answers that take several steps: each is made in a task of this process's, and owed as a future."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio.abc

from tidings.protocol.problems import ProblemError
from tidings.store.availability.store_errors import StoreError
from tidings_server.observability.error_boundary import unexpected_problem

T = TypeVar("T")


class AnswerTasks:
    """Runs what makes such answers."""

    def __init__(self) -> None:
        self.group: anyio.abc.TaskGroup | None = None
        """Owns the tasks; None: the process does not run."""

    def start(self, name: str, work: Callable[[], Awaitable[T]]) -> "asyncio.Future[T]":
        """Return a future of what some work returns; it fails with `ProblemError` or `StoreError`.

        Args:
            name: of the task, for logs.
            work: makes the answer.

        """
        assert self.group is not None, "use it inside `running`"
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.group.start_soon(self._make, name, work, answer, name=name)
        return answer

    async def _make(self, name: str, work: Callable[[], Awaitable[T]], answer: "asyncio.Future[T]") -> None:
        try:
            made = await work()
        except (ProblemError, StoreError) as error:
            if not answer.done():
                answer.set_exception(error)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the border of one answer: the task group is everybody's
            refused = ProblemError(unexpected_problem(name, error))
            if not answer.done():
                answer.set_exception(refused)
        else:
            if not answer.done():
                answer.set_result(made)
