"""`ctx.gather`: branches of steps beside each other. The journal has the steps of the branches, not the gather."""

import asyncio
import inspect
from collections.abc import Awaitable, Sequence
from typing import Any

from tidings_worker.saga.branch import Branch, CurrentBranch, current_branch

from .environment import StepEnvironment
from .saga_step import SagaStep, StepCoroutine


class GatherStep(SagaStep):
    """Branches beside each other, as a step."""

    name = "gather"

    def __init__(
        self, environment: StepEnvironment, saga: object, branches: Sequence[Awaitable[Any]], return_exceptions: bool
    ) -> None:
        """Prepare.

        Args:
            environment: what the steps of the attempt share.
            saga: whose branches they are.
            branches: steps, or coroutines that take steps.
            return_exceptions: whether an error takes the place of its branch's result.

        """
        self._environment = environment
        self._saga = saga
        self._branches = branches
        self._return_exceptions = return_exceptions

    async def perform(self, path: str) -> list[Any]:
        """See `SagaStep`."""
        if not self._branches:
            return []
        tasks = self._start(path)
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.exception()  # asyncio logs an error that is not retrieved; the cancellation stands
            raise
        finally:
            self.discard()  # a task that was cancelled before its first step has not started its branch
        return self._results(tasks)

    def discard(self) -> None:
        """Close the coroutines that have not started: Python warns of one that is dropped without."""
        for branch in self._branches:
            if isinstance(branch, StepCoroutine) or (
                inspect.iscoroutine(branch) and inspect.getcoroutinestate(branch) == inspect.CORO_CREATED
            ):
                branch.close()

    def __del__(self) -> None:
        """Discard it if the attempt stops before the handler awaits it: of a handler that goes on, Python warns."""
        if self._environment.host.cancelled:
            self.discard()

    def _start(self, path: str) -> list[asyncio.Task[Any]]:
        waits, left = self._environment.waits, len(self._branches)

        async def run(number: int, branch: Awaitable[Any]) -> Any:
            nonlocal left
            current_branch.set(CurrentBranch(self._saga, Branch.under(path, number), asyncio.current_task()))
            try:
                return await branch
            finally:
                left -= 1
                waits.activity.join(last=left == 0)
                waits.leave_if_idle()

        waits.activity.fork(len(self._branches))
        return [
            asyncio.create_task(run(number, branch), name=f"branch {path}.{number} {self._environment.host.token}")
            for number, branch in enumerate(self._branches, 1)
        ]

    def _results(self, tasks: Sequence[asyncio.Task[Any]]) -> list[Any]:
        results = [
            asyncio.CancelledError() if task.cancelled() else task.exception() or task.result() for task in tasks
        ]
        if not self._return_exceptions:
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        return results
