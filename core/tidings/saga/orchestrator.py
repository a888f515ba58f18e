"""The protocol between a context and the worker's saga, which takes the steps of the handler."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from tidings.kind import Kind

UndoLike = str | Callable[..., Any] | Kind[..., Any]
"""The name of a kind, or a function; a `@job` counts as a kind in `call`, as a function in `step`."""

key_of_step: ContextVar[str] = ContextVar("key_of_step", default="")
"""The idempotency key of the step inside which the code runs, or which it undoes; empty: it runs in no step."""

in_dependency: ContextVar[bool] = ContextVar("in_dependency", default=False)
"""Whether the code runs in a dependency, or in its clean-up: there it takes no steps."""


class StepOptions(NamedTuple):
    """The options of `Context.step`."""

    undo: Any
    name: str | None
    retries: int | None
    timeout: float | None


class Orchestrator(Protocol):
    """Takes the steps of one run of a handler. Each method numbers a step; awaiting the return value performs it."""

    def step(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: StepOptions
    ) -> Awaitable[Any]:
        """Call a function."""

    def call(self, kind: Any, value: Any, undo: Any, name: str | None) -> Awaitable[Any]:
        """Run a child job."""

    def gather(self, branches: Sequence[Awaitable[Any]], return_exceptions: bool) -> Awaitable[list[Any]]:
        """Take steps beside each other."""

    def signal(self, name: str, timeout: float | None, question: str) -> Awaitable[Any]:
        """Wait for a signal; with the JSON text of the question that it answers, or an empty text."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait for a time."""

    async def patched(self, name: str) -> bool:
        """Return whether this run goes by a change of the code; it is no step."""
