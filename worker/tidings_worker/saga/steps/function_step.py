"""`ctx.step`: a function that the saga's own worker calls once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import msgspec
import structlog

from tidings.errors import Reject
from tidings.protocol.steps import StepHead, StepStatus, StepType
from tidings.saga.orchestrator import StepOptions
from tidings.saga.step_errors import SagaUseError
from tidings_worker.outcome.error_text import traceback_of
from tidings_worker.outcome.errors import FinalError
from tidings_worker.saga.journal import JournalRow

from .environment import StepEnvironment
from .function_call import FunctionOutcome, StepFunction, Tries, step_function_of, undo_of
from .saga_step import SagaStep, UndoFactory, result_of

log = structlog.get_logger()


class FunctionStep(SagaStep):
    """A function with its arguments, as a step."""

    def __init__(self, environment: StepEnvironment, function: StepFunction, undo: Any) -> None:
        """Prepare.

        Args:
            environment: what the steps of the attempt share.
            function: the function, with its arguments.
            undo: a function that undoes the step, or the name of a kind; None: nothing does.

        """
        self.name = function.name
        self.undo = _undo_factory(function, undo, environment)
        self._environment = environment
        self._function = function
        self._undo = undo

    @classmethod
    def of(
        cls,
        environment: StepEnvironment,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: StepOptions,
    ) -> Self:
        """Return the step that a handler asks for.

        Raises:
            SagaUseError: the handler gives no function.

        """
        if not callable(function):
            raise SagaUseError(f"ctx.step takes a function; this is {function!r} (for a child job take ctx.call)")
        what = step_function_of(
            function, args, kwargs, environment.policy,
            name=options.name, retries=options.retries, timeout=options.timeout,
        )  # fmt: skip
        return cls(environment, what, options.undo)

    async def perform(self, path: str) -> Any:
        """See `SagaStep`."""
        journal, waits = self._environment.journal_client, self._environment.waits
        row = await self._environment.find(path, self.name, StepType.STEP)
        if row is not None and row.head.ok is not None:
            return result_of(row)
        if row is not None and row.head.due:
            await waits.wait_until(path, row.head.due)
        ended = await self._call(path, row)
        head = _with_tries(self._head(), ended.tries)
        if ended.problem is not None:
            log_failure(path, ended)
            failed = msgspec.structs.replace(head, owes=int(ended.tries.unknown and bool(self._undo)))
            raise await self._environment.fail(path, failed, ended.problem) from ended.error
        done = msgspec.structs.replace(head, status=StepStatus.SUCCEEDED, ok=True)
        await journal.write(path, done, outcome=ended.result)
        return msgspec.json.decode(ended.result)

    async def _call(self, path: str, row: JournalRow | None) -> FunctionOutcome:
        """Call the function until it succeeds, or has failed for good; record each try before it."""
        journal, head = self._environment.journal_client, self._head()
        arguments = self._function.shown() if row is None else ""

        async def save(tries: Tries, after: float | None) -> None:
            nonlocal arguments
            # A function that failed by its own error, and waits for its next try, has nothing to undo.
            owes = int(bool(self._undo) and (after is None or tries.unknown))
            now = msgspec.structs.replace(_with_tries(head, tries), owes=owes)
            text, arguments = arguments, ""
            if self._undo or tries.failures or after is not None:
                await journal.write(path, now, input=text, due_ms=-1 if after is None else int(after * 1000))
            else:
                # The step does not wait for this write: the result follows in the same journal
                # and is durable only after it.
                journal.put(path, now, input=text).add_done_callback(_ignore_error)

        before = Tries(row.head.attempts, row.head.failures, row.head.unknown) if row is not None else Tries()
        return await self._environment.caller.call_until_done(
            self._function, journal.key_of(path), save, self._environment.pause_of(path), before
        )

    def _head(self) -> StepHead:
        undo = self._undo
        undo_name = undo if isinstance(undo, str) else str(getattr(undo, "__name__", "undo")) if undo else ""
        return StepHead(
            status=StepStatus.RUNNING, name=self.name, type=StepType.STEP,
            worker=self._environment.journal_client.worker,
            owes=int(bool(undo)), undo=undo_name, undo_kind=isinstance(undo, str),
        )  # fmt: skip


def log_failure(path: str, ended: FunctionOutcome) -> None:
    """Write the error of a step into the worker's log, unless the function raised it on purpose."""
    if ended.error is not None and not isinstance(ended.error, Reject | FinalError):
        log.warning("step_failed", path=path, exception=traceback_of(ended.error))


def _undo_factory(function: StepFunction, undo: Any, environment: StepEnvironment) -> UndoFactory | None:
    if undo is None or isinstance(undo, str):
        return None
    return undo_of(function, undo, environment.policy)


def _with_tries(head: StepHead, tries: Tries) -> StepHead:
    return msgspec.structs.replace(head, attempts=tries.attempts, failures=tries.failures, unknown=tries.unknown)


def _ignore_error(future: "asyncio.Future[Any]") -> None:
    """Retrieve the error: the write of the step's result meets the same store, and reports it."""
    if not future.cancelled():
        future.exception()
