"""An event loop in a thread of its own, for callers without one.

`anyio.from_thread.start_blocking_portal` offers the same as a generator. A process that was forked from one with an
open client holds a copy of that generator and no copy of its thread: when the interpreter collects the copy, at the
latest at its end, the generator waits for the thread for ever. Of what stands here nothing runs by being collected.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import ExitStack, suppress
from contextvars import Context
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.abc
from anyio.from_thread import BlockingPortal

from tidings.process.async_library import told_to_sniffio

T = TypeVar("T")


class LoopClosedError(RuntimeError):
    """The loop takes no more calls."""


class LoopCalls:
    """Calls from other threads into the loop.

    A call of a portal has two waits for the loop's thread: for the task to be started, and for its end. This has one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tasks: anyio.abc.TaskGroup) -> None:
        self._loop = loop
        self._tasks = tasks
        self._closing = threading.Lock()
        self._closed = False
        """Whether no more calls are taken."""

    def start(self, ask: Callable[[], Awaitable[T]]) -> "Future[T]":
        """Have something awaited in the loop; the future gets what comes of it. To cancel the future cancels the call.

        Raises:
            LoopClosedError: the loop is closed, or closes before the call begins; then the future has the error.

        """
        answer: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise LoopClosedError
            self._loop.call_soon_threadsafe(self._begin, ask, answer)
        return answer

    def close(self) -> None:
        """Take no more calls; every call taken so far is still in the loop's hands, and gets an answer."""
        with self._closing:
            self._closed = True

    def _begin(self, ask: Callable[[], Awaitable[Any]], answer: "Future[Any]") -> None:
        if self._closed:
            self._settle(answer, error=LoopClosedError())
        else:
            self._tasks.start_soon(self._run, ask, answer, name="call of another thread")

    async def _run(self, ask: Callable[[], Awaitable[Any]], answer: "Future[Any]") -> None:
        with anyio.CancelScope() as scope:
            answer.add_done_callback(partial(self._settled, scope))
            try:
                value = await ask()
            except Exception as error:  # noqa: BLE001 - it belongs to the caller
                self._settle(answer, error=error)
            except BaseException:
                answer.cancel()
                raise
            else:
                self._settle(answer, value)

    def _settled(self, scope: anyio.CancelScope, answer: "Future[Any]") -> None:
        """Cancel the call whose future was cancelled, from whichever thread."""
        if answer.cancelled():
            with suppress(RuntimeError):  # the loop is closed, and the call has ended with it
                self._loop.call_soon_threadsafe(scope.cancel)

    @staticmethod
    def _settle(answer: "Future[Any]", value: Any = None, error: Exception | None = None) -> None:
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(value)


def open_portal(stack: ExitStack, name: str) -> tuple[BlockingPortal, LoopCalls]:
    """Start a loop in a daemon thread of that name, and return the ways into it; the stack ends all.

    If an error leaves the body of the stack, the calls under way in the loop are cancelled; otherwise the end waits for
    them.
    """
    opened: Future[tuple[BlockingPortal, LoopCalls]] = Future()

    async def serve() -> None:
        # A call begins in a callback, in the context of the thread that makes it: its trace is the caller's.
        with told_to_sniffio():
            async with BlockingPortal() as portal, anyio.create_task_group() as tasks:
                calls = LoopCalls(asyncio.get_running_loop(), tasks)
                opened.set_result((portal, calls))
                try:
                    await portal.sleep_until_stopped()
                finally:
                    calls.close()

    def run() -> None:
        try:
            anyio.run(serve)
        except BaseException as error:  # it belongs to the caller, who waits for the portal
            if opened.done():
                raise
            opened.set_exception(error)

    # Some releases of Python give a thread a copy of its starter's context: what is set there is not the loop's.
    thread = threading.Thread(target=Context().run, args=(run,), daemon=True, name=name)
    thread.start()
    portal, calls = opened.result()

    def stop(_kind: object, error: BaseException | None, _trace: object) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            portal.call(portal.stop, error is not None)
        thread.join()

    stack.push(stop)
    return portal, calls
