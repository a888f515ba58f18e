"""The bridge from a plain handler's thread to the event loop, in which its `async def` dependencies run."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from tidings.errors import StoppedError

T = TypeVar("T")


class LoopBridge:
    """The dependencies of one attempt, or of one step, that run in the event loop; its methods wait for them.

    While a dependency is made, `stop` cancels it: a thread that waits for a connection from an exhausted pool would
    otherwise wait beyond the end of its attempt. A clean-up is not cancelled.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, is_over: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            loop: the event loop; it runs in another thread.
            is_over: whether the attempt is over.

        """
        self._loop = loop
        self._is_over = is_over
        self._making: concurrent.futures.Future[Any] | None = None

    def make(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns.

        Raises:
            StoppedError: the attempt is over.

        """
        return self._wait(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def enter(self, manager: AbstractAsyncContextManager[T]) -> "tuple[BridgedManager, T]":
        """Enter an asynchronous context manager in a task of its own, and return what leaves it there, and its value.

        Raises:
            StoppedError: the attempt is over.

        """
        bridged = BridgedManager(manager, self._loop)
        self._wait(bridged.begun)
        return bridged, bridged.value

    def check(self) -> None:
        """Check that a further dependency is of use.

        Raises:
            StoppedError: the attempt is over.

        """
        if self._is_over():
            raise StoppedError("the attempt is over: its dependencies are not made")

    def stop(self) -> None:
        """Cancel the dependency that is being made; to be called when `is_over` returns true."""
        making = self._making
        if making is not None:
            making.cancel()

    def _wait(self, future: "concurrent.futures.Future[T]") -> T:
        self._making = future
        try:
            if self._is_over():  # `stop` may have looked before `_making` was set
                future.cancel()
            return future.result()
        except concurrent.futures.CancelledError:
            raise StoppedError("the attempt is over: its dependencies are not made") from None
        finally:
            self._making = None


class BridgedManager:
    """An asynchronous context manager that one task of the loop enters and leaves."""

    def __init__(self, manager: AbstractAsyncContextManager[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._manager = manager
        self._loop = loop
        self._left: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.value: Any = None
        """What it yielded."""
        self._leaving: asyncio.Future[BaseException | None]
        self._task: asyncio.Task[None]
        self.begun: concurrent.futures.Future[None] = asyncio.run_coroutine_threadsafe(self._begin(), loop)
        """Done when it has been entered; cancelling it cancels the entering."""

    def leave(self, error: BaseException | None) -> None:
        """Have it cleaned up, as if its body had raised an error; None: it did not.

        Raises:
            BaseException: what the clean-up raised.

        """
        self._loop.call_soon_threadsafe(self._set_leaving, error)
        self._left.result()

    def _set_leaving(self, error: BaseException | None) -> None:
        if not self._leaving.done():
            self._leaving.set_result(error)

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._leaving = loop.create_future()
        entered: asyncio.Future[Any] = loop.create_future()
        self._task = loop.create_task(self._live(entered), name="dependency")
        try:
            self.value = await entered
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    async def _live(self, entered: "asyncio.Future[Any]") -> None:
        try:
            value = await self._manager.__aenter__()
        except BaseException as failed:  # noqa: BLE001 - the thread raises it
            _settle(entered, failed)
            return
        if entered.cancelled():  # the attempt was stopped a turn before
            self._set_leaving(None)
        else:
            entered.set_result(value)
        error: BaseException | None
        try:
            error = await self._leaving
        except asyncio.CancelledError as cancelled:  # a task group inside it has failed
            error = cancelled
        details = (None, None, None) if error is None else (type(error), error, error.__traceback__)
        try:
            await self._manager.__aexit__(*details)
        except BaseException as fault:  # noqa: BLE001 - the thread raises it
            self._left.set_exception(fault)
        else:
            self._left.set_result(None)


def _settle(entered: "asyncio.Future[Any]", error: BaseException) -> None:
    if entered.done():
        return
    if isinstance(error, asyncio.CancelledError):
        entered.cancel()
    elif isinstance(error, StopIteration):
        entered.set_exception(RuntimeError("a dependency raised StopIteration"))
    else:
        entered.set_exception(error)
