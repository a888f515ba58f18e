"""What the steps of one attempt share: the journal, the waits, the children and the callers of functions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from tidings.declare.policy import Policy
from tidings.errors import StoppedError
from tidings.protocol.problems import Problem, problem
from tidings.protocol.steps import StepHead, StepStatus, StepType
from tidings.saga.step_errors import StepError
from tidings_worker.saga.journal import DIVERGED, DivergedError, JournalRow
from tidings_worker.saga.journal_client import JournalClient, JournalHost
from tidings_worker.saga.saga_children import SagaChildren
from tidings_worker.saga.waits import BranchWaits

from .function_call import FunctionCaller
from .signal_numbers import SignalNumbers

PAUSE_IN_PLACE_S = 2.0
"""A branch waits for a shorter pause before another attempt of a step in the worker."""


class SagaHost(JournalHost, Protocol):
    """The attempt whose handler takes the steps."""

    @property
    def handler_task(self) -> "asyncio.Future[Any] | None":
        """The task that runs the handler."""


class StepEnvironment:
    """What the steps of one attempt need."""

    def __init__(
        self,
        host: SagaHost,
        journal_client: JournalClient,
        children: SagaChildren,
        caller: FunctionCaller,
        policy: Policy,
        *,
        unwinding: bool,
    ) -> None:
        """Prepare.

        Args:
            host: the attempt.
            journal_client: reads and writes the saga's journal.
            children: submits the saga's children.
            caller: calls functions.
            policy: of the saga's kind.
            unwinding: whether the handler runs only to say again how its steps are undone.

        """
        self.host = host
        self.journal_client = journal_client
        self.waits = BranchWaits(journal_client, host)
        self.children = children
        self.caller = caller
        self.policy = policy
        self.signal_numbers = SignalNumbers()
        self.takes_steps = True
        """False: the handler has said how its steps are undone, and is to end."""
        self._unwinding = unwinding

    async def find(self, path: str, name: str, type_: StepType) -> JournalRow | None:
        """Return what the journal has of a step; None: it has not begun.

        Raises:
            StoppedError: the journal has another step at its place, or the handler takes no more steps.

        """
        if not self.takes_steps:
            raise StoppedError("the saga unwinds: its handler takes no steps any more")
        try:
            row = (await self.journal_client.load()).find(path, name, type_)
        except DivergedError as error:
            raise self.refuse_diverged(path, str(error)) from error
        if self._unwinding and (row is None or row.head.ok is None):
            # The handler goes no further than the journal does: the branch waits until the attempt stops it.
            await self.waits.wait_until(path)
        return row

    def refuse_diverged(self, path: str, detail: str) -> StoppedError:
        """Stop the attempt, because the handler does not fit the journal, and return the error to raise."""
        self.host.refuse(problem(DIVERGED, detail, errors=[{"path": path}]))
        return StoppedError(detail)

    async def fail(self, path: str, head: StepHead, refused: Problem, **fields: Any) -> StepError:
        """Record that a step has failed for good, and return the error that its await raises."""
        text = msgspec.json.encode(refused).decode()
        failed = msgspec.structs.replace(head, status=StepStatus.FAILED, ok=False)
        await self.journal_client.write(path, failed, outcome=text, **fields)
        return StepError(head.name, path, refused)

    def pause_of(self, path: str) -> Callable[[float], Awaitable[None]]:
        """Return a function that waits before another attempt of a step; the saga may leave for a long wait."""

        async def pause(seconds: float) -> None:
            if seconds <= PAUSE_IN_PLACE_S:
                await asyncio.sleep(seconds)
            else:
                await self.waits.wait_until(path, self.journal_client.now_ms() + int(seconds * 1000))

        return pause
