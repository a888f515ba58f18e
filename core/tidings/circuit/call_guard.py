"""`async with ctx.breaker("payments"):` and `with …`: the block of a handler that calls a service."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Protocol

from tidings.errors import StoppedError

from .breaker import Breaker
from .circuit_open import CircuitOpenError

MAX_FAILURE_TEXT = 200
"""Characters of a failure's text that the breaker keeps."""


class CallResult(StrEnum):
    """What a call says of the service."""

    OK = "ok"
    """The service answered, if only by an error that does not count as its failure."""
    FAILURES = "failures"
    """The service failed, as the breaker's author defines it."""
    SLOW = "slow"
    """The service answered too late. Only the worker that times the call finds this."""
    VOID = "void"
    """Nothing: the call was broken off, or waits for another breaker."""


class CallPermits(Protocol):
    """Lets calls through, and counts them. It belongs to the event loop."""

    async def enter(self, breaker: Breaker) -> str:
        """Return a ticket for one call.

        Raises:
            CircuitOpenError: the breaker is open.

        """

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Count how a call ended: a `CallResult`, and the error as a text for people."""


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
            breaker: the one before this block.
            loop: the event loop to which `permits` belongs.
            check: raises `StoppedError` when the attempt is over, or when this is a forked copy of the process, where
                the loop does not run.

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


def call_result(breaker: Breaker, error: BaseException | None) -> CallResult:
    """Return what a call that ended with this error, or with none, says of the service."""
    if error is None:
        return CallResult.OK
    if isinstance(error, CircuitOpenError | StoppedError):
        return CallResult.VOID
    if breaker.counts(type(error)):
        return CallResult.FAILURES
    return CallResult.OK if isinstance(error, Exception) else CallResult.VOID


def failure_text(error: BaseException | None) -> str:
    """Return an error in a few words, even when its own `__str__` raises."""
    if error is None:
        return ""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - it is the user's code that runs here
        text = type(error).__name__
    return text[:MAX_FAILURE_TEXT].encode("utf-8", "backslashreplace").decode()
