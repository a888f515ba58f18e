"""An event loop whose clock stands still until a test moves it.

asyncio asks its selector to wait exactly when no callback is ready. That call is the seam: the selector first looks for
what the operating system has, without waiting, and then leaves it to `Idle` whether the clock moves, or the loop waits.
Nothing of asyncio is replaced, and nothing private is used.

Timers are of two sorts. Those that an attempt sets (its handler, its time limits, its reports, and every task that
these start) belong to the program under test. All others are duties of workers and servers that come round: heartbeats,
looks at the schedule, sweeps. asyncio runs both in the order of their times; the loop only tells when the program's
next one is due.
"""

import asyncio
import heapq
import itertools
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, Protocol, TypeVar, TypeVarTuple

from tidings.logging.log_setup import LOG_SUBJECT

T = TypeVar("T")
Args = TypeVarTuple("Args")

FIRST_S = 1_000.0
"""What the clock of a new loop shows, s."""


class Idle(Protocol):
    """Decides what becomes of a loop in which no callback is ready."""

    def settle(self) -> None:
        """Return when everything that the store owes this process lies in its sockets."""

    def idle(self, timer_s: float | None) -> float | None:
        """Return how long the loop may really wait, s; 0: the clock has moved, or a callback is ready; None: for ever.

        Args:
            timer_s: the time until the earliest timer of any sort, by the held clock; None: there is none.

        """


class HeldSelector(selectors.DefaultSelector):
    """A selector that lets no held time pass while it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: Idle | None = None
        """None: it waits for the operating system alone."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready. `timeout`: by the held clock; 0: callbacks are ready."""
        ready = super().select(0)
        if ready or self.idle is None or (timeout is not None and timeout <= 0):
            return ready
        self.idle.settle()
        return super().select(0) or super().select(self.idle.idle(timeout))


class HeldLoop(asyncio.SelectorEventLoop):
    """An event loop that goes by a held clock."""

    def __init__(self) -> None:
        self.selector: HeldSelector = HeldSelector()
        self.now = FIRST_S
        """The clock, s."""
        self.in_executor: int = 0
        """Calls that threads of executors are making, such as those of `asyncio.to_thread`."""
        self._due: list[tuple[float, int, asyncio.TimerHandle]] = []
        """The program's timers, a heap."""
        self._numbers = itertools.count()
        super().__init__(self.selector)

    def time(self) -> float:
        """Return the clock."""
        return self.now

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Set a timer."""
        handle = super().call_at(when, callback, *args, context=context)
        if (LOG_SUBJECT.get() if context is None else context.get(LOG_SUBJECT)) is not None:
            heapq.heappush(self._due, (when, next(self._numbers), handle))
        return handle

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Args], T], *args: *Args
    ) -> "asyncio.Future[T]":
        """Have a thread make a call."""
        call = super().run_in_executor(executor, func, *args)
        self.in_executor += 1
        call.add_done_callback(self._back_from_executor)
        return call

    def _back_from_executor(self, _: "asyncio.Future[Any]") -> None:
        self.in_executor -= 1

    def next_due(self) -> float | None:
        """Return when the earliest timer of the program is due; None: it has set none."""
        due = self._due
        while due and (due[0][2].cancelled() or due[0][0] <= self.now):
            heapq.heappop(due)
        return due[0][0] if due else None
