"""What is to be undone at the end of a stream: `contextlib.ExitStack` for calls alone, at a fraction of its cost."""

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self


class EndCalls:
    """Calls that are made in reverse order, once: at the end of a `with` block, unless they are handed on before."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[Callable[[], object]] = []

    def callback(self, call: Callable[..., object], *args: Any) -> None:
        """Add a call."""
        self._calls.append(partial(call, *args) if args else call)

    def pop_all(self) -> "EndCalls":
        """Return the calls, which then are made there and not here."""
        other = EndCalls()
        other._calls, self._calls = self._calls, other._calls
        return other

    def close(self) -> None:
        """Make the calls; one that raises keeps none of the others from being made."""
        if self._calls:
            call = self._calls.pop()
            try:
                call()
            finally:
                self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
