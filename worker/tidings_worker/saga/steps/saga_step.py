"""A step of a saga: what every type has in common."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol

import msgspec

from tidings.protocol.steps import StepType
from tidings.saga.step_errors import SagaUseError, SignalTimeout, StepError
from tidings_worker.saga.journal import JournalRow

from .function_call import StepFunction

UndoFactory = Callable[[Any], StepFunction]
"""Makes the call that undoes a step, from the step's result."""

_decode = msgspec.json.decode


class SagaStep(Protocol):
    """One step that the handler takes. The saga numbers it; awaiting the step performs it."""

    name: str
    """What the program calls it: a function, a kind or a signal."""
    undo: UndoFactory | None = None
    """How a function undoes it; None: no function does."""

    async def perform(self, path: str) -> Any:
        """Return the step's result, from the journal if that has it; else do the step, and record it before that.

        Args:
            path: its place in the program.

        Raises:
            StepError: it has failed for good.
            StoppedError: the attempt is over.

        """

    def discard(self) -> None:
        """Release what it holds: the saga will not perform it."""
        return


def result_of(row: JournalRow) -> Any:
    """Return the result of a step that has ended.

    Raises:
        StepError: it has failed.

    """
    if row.head.ok:
        return _decode(row.outcome)
    error = SignalTimeout if row.head.type is StepType.SIGNAL else StepError
    raise error(row.head.name, row.path, row.problem)


class StepCoroutine(Coroutine[Any, Any, Any]):
    """A step that has its number; awaiting it performs the step.

    It looks like a coroutine, so that `asyncio.create_task` takes it: then the task fails with the message of
    `check_place`, instead of a TypeError about types.
    """

    __slots__ = ("_begun", "_check_place", "_path", "_running", "_step", "_what")

    def __init__(self, step: SagaStep, path: str, check_place: Callable[[str], object]) -> None:
        """Prepare.

        Args:
            step: what to perform.
            path: its place in the program.
            check_place: raises `SagaUseError` if the running code may take no steps.

        """
        self._step = step
        self._path = path
        self._what = f"step {path} ({step.name})"
        self._check_place = check_place
        self._begun = False
        self._running: Generator[Any, Any, Any] | None = None

    def send(self, value: Any, /) -> Any:
        """Resume it; see `Coroutine`."""
        if self._running is None:
            self._running = self.__await__()
        return self._running.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where it waits; see `Coroutine`."""
        if self._running is None:
            self._running = self.__await__()
        return self._running.throw(*error)

    def close(self) -> None:
        """End it; see `Coroutine`. A step that has not begun is discarded."""
        if self._running is not None:
            self._running.close()
        elif not self._begun:
            self._step.discard()

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._begun:
            self._check_place(self._what)
            raise SagaUseError(f"{self._what} is awaited a second time; keep what the first await returned")
        try:
            self._check_place(self._what)
        except SagaUseError:
            self._step.discard()
            raise
        self._begun = True
        return self._step.perform(self._path).__await__()
