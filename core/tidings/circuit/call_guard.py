"""`async with ctx.breaker("payments"):` and its plain twin: a block of a handler that calls a service."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from tidings.errors import StoppedError

from .breaker import Breaker
from .circuit_open import CircuitOpenError


class CallPermits(Protocol):
    """Who lets calls through, and counts them. Belongs to the event loop."""

    async def enter(self, breaker: Breaker) -> str:
        """Return a ticket for one call.

        Raises:
            CircuitOpenError: the breaker is open.

        """

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Take note of how a call ended: see `result_of`; `text` says it to people."""


class CallGuard:
    """The block of an `async def` handler."""

    def __init__(self, permits: CallPermits, breaker: Breaker) -> None:
        self._permits = permits
        self._breaker = breaker
        self._tickets: list[str] = []

    async def __aenter__(self) -> None:
        self._tickets.append(await self._permits.enter(self._breaker))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._permits.leave(self._tickets.pop(), call_result(self._breaker, error), failure_text(error))


class SyncCallGuard:
    """The block of a plain function, in a thread beside the loop."""

    def __init__(
        self, permits: CallPermits, breaker: Breaker, loop: asyncio.AbstractEventLoop, check: Callable[[], None]
    ) -> None:
        """Prepare.

        Args:
            permits: lets calls through.
            breaker: which.
            loop: where `permits` belongs.
            check: raises `StoppedError` when the attempt is over: in a copy of the process the loop answers nothing.

        """
        self._permits = permits
        self._breaker = breaker
        self._loop = loop
        self._check = check
        self._tickets: list[str] = []

    def __enter__(self) -> None:
        self._check()
        ticket = asyncio.run_coroutine_threadsafe(self._permits.enter(self._breaker), self._loop).result()
        self._tickets.append(ticket)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        result = call_result(self._breaker, error)
        self._loop.call_soon_threadsafe(self._permits.leave, self._tickets.pop(), result, failure_text(error))


def call_result(breaker: Breaker, error: BaseException | None) -> str:
    """Return what a call says of the service.

    Returns:
        `failures`: it failed, as the breaker's user sees it; `ok`: it answered, if only by an error that is not
        among those; `void`: neither, because the call was broken off, or waits for another breaker.

    """
    if error is None:
        return "ok"
    if isinstance(error, CircuitOpenError | StoppedError):
        return "void"
    if breaker.counts(type(error)):
        return "failures"
    return "ok" if isinstance(error, Exception) else "void"


def failure_text(error: BaseException | None) -> str:
    """Return an error in a few words, whatever its own text does."""
    if error is None:
        return ""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - it is the user's code that runs here
        text = type(error).__name__
    return text[:MAX_FAILURE_TEXT].encode("utf-8", "backslashreplace").decode()


MAX_FAILURE_TEXT = 200
"""Characters of a failure's text that are kept."""
