"""What a context asks of whoever takes the steps of its handler."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

KindLike = str | Callable[..., Any]
"""The name of a kind, or its `@job`."""

UndoLike = str | Callable[..., Any]
"""The name of a kind, or a function; a `@job` is either."""

key_of_step: ContextVar[str] = ContextVar("key_of_step", default="")
"""Inside a step, and what undoes it: the step's idempotency key; else empty."""


class StepOptions(NamedTuple):
    """How a function is called as a step; see `Context.step`."""

    undo: Any
    name: str | None
    retries: int | None
    timeout: float | None


class Orchestrator(Protocol):
    """Takes the steps of one run of a handler. Each method numbers its step; what it returns does it when awaited."""

    def step(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: StepOptions
    ) -> Awaitable[Any]:
        """Call a function."""

    def call(self, kind: Any, value: Any, undo: Any, name: str | None) -> Awaitable[Any]:
        """Have a child job run."""

    def gather(self, branches: Sequence[Awaitable[Any]], return_exceptions: bool) -> Awaitable[list[Any]]:
        """Take steps beside each other."""

    def signal(self, name: str, timeout: float | None) -> Awaitable[Any]:
        """Wait for a signal."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait for a time."""
