"""The thread in which a world lives, and the calls that a test makes into it.

A world has a thread of its own: then it works under every event loop that a test may have (asyncio's, uvloop's, trio's,
or none), the test's own timers go on by the real clock, and a test that waits for the world for too long can say why.
"""

import asyncio
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime
from types import FrameType
from typing import TypeVar

from tidings.testing.testing_errors import TestingError, WorldStuckError

from .held_loop import HeldLoop
from .held_time import TimeRequest, deadline_of
from .world_system import WorldSystem

T = TypeVar("T")

BEYOND_PATIENCE_S = 1.0
"""How much longer a test waits than its world tries: the world says best what it does."""

TURNS_WITHIN_S = 1.0
"""A loop that turns at all does so within this time."""

STACK_LINES = 6
"""Lines of the stack that the error shows of a world whose loop is blocked."""


class WorldThread:
    """Runs a system in a thread, until `close`."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._loop = HeldLoop()
        self._system: WorldSystem | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        """A test asks for one thing at a time; another task of it waits."""
        self._ended: Future[None] = Future()

    @property
    def loop(self) -> HeldLoop:
        """The loop of the world."""
        return self._loop

    @property
    def now(self) -> datetime:
        """What the clock of the world shows."""
        assert self._system is not None
        return self._system.clock.now

    # Its life.

    def start(self, system: WorldSystem) -> None:
        """Run a system, and return when it serves.

        Raises:
            WorldStuckError: it did not come to serve.
            Exception: it broke.

        """
        self._system = system
        self._thread = threading.Thread(target=self._run, args=(system,), name="tidings world", daemon=True)
        self._thread.start()
        self._ask(lambda: TimeRequest(self._loop.now, deadline_of(self._patience_s), ready=system.serving))

    def close(self) -> None:
        """End it. A loop that a handler blocks for ever is left behind."""
        if self._system is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave, self._system)
            self._thread.join(self._patience_s)
        if self._thread is None or not self._thread.is_alive():
            self._loop.close()

    def _leave(self, system: WorldSystem) -> None:
        # What leaves waits for no time: every grace is over at once.
        self._loop.selector.idle = None
        system.end()

    def _run(self, system: WorldSystem) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.selector.idle = system.clock
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(system.live())
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            self._ended.set_exception(_only(error))
        else:
            self._ended.set_result(None)

    # What a test asks.

    def do(self, work: Callable[[WorldSystem], Awaitable[T]]) -> T:
        """Do something in the world, let it come to rest, and return what came of it.

        Raises:
            WorldStuckError: it did not come to rest.
            Exception: what `work` raises.

        """
        system = self._serving()
        task: list[asyncio.Task[T]] = []

        async def perform() -> T:
            return await work(system)

        def ask() -> TimeRequest:
            task.append(self._loop.create_task(perform(), name="what the test asks"))
            return TimeRequest(self._loop.now, deadline_of(self._patience_s), ready=task[0].done)

        self._ask(ask)
        return task[0].result()

    def advance(self, seconds: float) -> None:
        """Move the clock, from one moment at which something is due to the next.

        Raises:
            WorldStuckError: the world does not come to rest at one of them.

        """
        self._ask(lambda: TimeRequest(self._loop.now + seconds, deadline_of(self._patience_s)))

    def advance_until(self, condition: Callable[[], bool], within_s: float) -> None:
        """Move the clock in the same way until a condition holds, which is asked when the world is at rest.

        Raises:
            WorldStuckError: nothing more is due, or it does not hold in this time.

        """
        self._ask(lambda: TimeRequest(self._loop.now + within_s, deadline_of(self._patience_s), condition))

    def _serving(self) -> WorldSystem:
        if self._system is None:
            raise TestingError("this world has not been opened: use it as `async with World(…) as world:`")
        return self._system

    def _ask(self, make: Callable[[], TimeRequest]) -> None:
        system = self._serving()
        asked: Future[TimeRequest] = Future()

        def begin() -> None:
            try:
                request = make()
                system.clock.ask(request)
            except BaseException as error:  # noqa: BLE001 - the test's thread raises it
                asked.set_exception(error)
            else:
                asked.set_result(request)

        with self._lock:
            self._check_alive()
            self._loop.call_soon_threadsafe(begin)
            patience_s = self._patience_s + BEYOND_PATIENCE_S
            try:
                self._wait(self._wait(asked, patience_s).done, patience_s)
            except FutureTimeoutError:
                raise WorldStuckError(self._why_stuck(system)) from None

    def _why_stuck(self, system: WorldSystem) -> str:
        """Return why the world has said nothing: its loop is blocked, or never idle."""
        said: Future[str] = Future()

        def say() -> None:
            said.set_result(system.describe())
            system.clock.withdraw()

        self._loop.call_soon_threadsafe(say)
        try:
            return f"it does not come to rest: a task goes on for ever without waiting; {said.result(TURNS_WITHIN_S)}"
        except FutureTimeoutError:
            return f"the loop of the world is blocked: {self._stack()}"

    def _wait(self, future: "Future[T]", patience_s: float) -> T:
        """Return what a future brings, or raise what has ended the world meanwhile."""
        woken = threading.Event()
        for one in (future, self._ended):
            one.add_done_callback(lambda _: woken.set())
        if not woken.wait(patience_s):
            raise FutureTimeoutError
        if not future.done():
            self._check_alive()
        return future.result()

    def _check_alive(self) -> None:
        if self._ended.done():
            self._ended.result()
            raise TestingError("this world has ended: make a new one")

    def _stack(self) -> str:
        """Return where the loop is, for people: the innermost lines."""
        ident = None if self._thread is None else self._thread.ident
        frame: FrameType | None = sys._current_frames().get(ident or 0)  # noqa: SLF001 - documented, for debuggers
        lines = [] if frame is None else traceback.format_stack(frame)[-STACK_LINES:]
        return "a handler that is `async def` must await what takes long\n" + "".join(lines)


def _only(error: BaseException) -> BaseException:
    """Return the one error that groups hold; the group, if it holds several."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
