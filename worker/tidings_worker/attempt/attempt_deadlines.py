"""The deadlines of one attempt: its time limits, the time a stopped handler has to clean up, and its kill."""

import asyncio

from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.runner import Run

from .lifecycle import Lifecycle

KILL_WITHIN_S = 5.0
"""How long a handler that was killed may take to be gone."""


class Deadlines:
    """The timers of one attempt."""

    __slots__ = ("_lifecycle", "_limit_timers", "_loop", "_wait_timer", "grace_s")

    def __init__(self, lifecycle: Lifecycle, loop: asyncio.AbstractEventLoop, grace_s: float) -> None:
        self._lifecycle = lifecycle
        self._loop = loop
        self.grace_s = grace_s
        """How long a handler that was asked to stop may clean up, s."""
        self._limit_timers: list[asyncio.TimerHandle] = []
        self._wait_timer: asyncio.TimerHandle | None = None
        """Bounds the wait for what has been asked to end."""

    def limit(self, seconds: float, reason: StopReason) -> None:
        """Stop the attempt after some seconds, for a reason."""
        self._limit_timers.append(self._loop.call_later(seconds, self._lifecycle.stop, reason))

    def shorten_grace(self, seconds: float) -> None:
        """Give the handler no more than some seconds to clean up, from now if it has been asked to stop."""
        self.grace_s = min(self.grace_s, seconds)
        if self._wait_timer is not None:
            self.wake_after(self.grace_s)

    def wake_after(self, seconds: float) -> None:
        """Wake the attempt after some seconds; this replaces an earlier such wakeup."""
        self.cancel_wakeup()
        self._wait_timer = self._loop.call_later(seconds, self._lifecycle.wake)

    def cancel_wakeup(self) -> None:
        """Cancel the wakeup of `wake_after`."""
        if self._wait_timer is not None:
            self._wait_timer.cancel()
            self._wait_timer = None

    def cancel(self) -> None:
        """Cancel every timer. A cancelled timer also lets go of what it would have called."""
        for timer in self._limit_timers:
            timer.cancel()
        self.cancel_wakeup()

    async def end(self, run: Run) -> None:
        """Have a handler end: ask it, give it its grace, then kill it if that is possible.

        A handler in the loop or in a thread cannot be killed. It still runs after this if it did not obey.
        """
        run.stop()
        await self._wait(run, self.grace_s)
        if not run.ended.done() and run.kill():
            await self._wait(run, KILL_WITHIN_S)

    async def _wait(self, run: Run, seconds: float) -> None:
        self._lifecycle.expect_wakeup()
        if not run.ended.done():
            self.wake_after(seconds)
            await self._lifecycle.wakeup
