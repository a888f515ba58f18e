"""The shutdown of a worker: what it does from the first signal until no attempt is left."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Protocol, TypeVar

import anyio
import anyio.abc
import structlog

from . import fork
from .queue.queue import Queue

log = structlog.get_logger()

T = TypeVar("T")

CLEAN_UP_WITHIN_S = 5.0
"""How long handlers may clean up at the most, when the worker leaves; their own `cancel_grace` may be shorter."""

REPORT_OUTCOMES_WITHIN_S = 5.0
"""How long after that the store may take to learn what was handed back."""


class ServedWork(Protocol):
    """What a worker serves until it stops: a queue, or the groups of its handlers of events."""

    @property
    def running(self) -> int:
        """How much is under way."""

    async def serve(self, attempts: asyncio.TaskGroup, /) -> None:
        """Take work until cancelled; it runs in `attempts`, which outlives this."""

    async def idle(self) -> None:
        """Return when nothing is under way."""

    def hand_back(self, grace: float, /) -> None:
        """Stop everything that runs and give it back, after at most `grace` seconds for cleaning up."""


class Shutdown:
    """Serves the queues of a worker until a signal comes, and then has their attempts end."""

    def __init__(self, queues: Collection[Queue], grace_s: float, broken: asyncio.Event | None = None) -> None:
        """Prepare.

        Args:
            queues: what is served.
            grace_s: how long running jobs may take to finish after the first signal.
            broken: set when the worker must stop without a signal, because what its jobs use has failed.

        """
        self.queues = queues
        self.groups: Collection[ServedWork] = ()
        """The groups of the worker's handlers of events: what it serves beside its queues."""
        self._grace_s = grace_s
        self._broken = broken

    async def serve(self) -> None:
        """Serve until a signal; return when every attempt has ended, was handed back, or was given up."""
        async with anyio.create_task_group() as ending:
            # A task for each job: those of asyncio cost a fifth of AnyIO's.
            async with asyncio.TaskGroup() as attempts:
                with anyio.CancelScope() as taking:
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._watch_signals, ending, taking, name="signals")
                        if self._broken is not None:
                            tasks.start_soon(self._watch_broken, self._broken, ending, taking, name="lifespans")
                        for served in (*self.queues, *self.groups):
                            tasks.start_soon(served.serve, attempts, name="serve")
                # `attempts` now waits for what runs; `_give_grace`, which runs in `ending`, bounds that.
            ending.cancel_scope.cancel()

    @property
    def _running(self) -> int:
        return sum(served.running for served in (*self.queues, *self.groups))

    async def _watch_signals(self, ending: anyio.abc.TaskGroup, taking: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            fork.claim(signal.SIGTERM, signal.SIGINT)
            async for number in signals:
                log.info("stopping", signal=signal.Signals(number).name, running=self._running)
                ending.start_soon(self._give_grace, ending.cancel_scope, name="grace")
                taking.cancel()
                return

    async def _watch_broken(
        self, broken: asyncio.Event, ending: anyio.abc.TaskGroup, taking: anyio.CancelScope
    ) -> None:
        await broken.wait()
        log.error("stopping", running=self._running, help="a lifespan has failed")
        ending.start_soon(self._give_grace, ending.cancel_scope, name="grace")
        taking.cancel()

    async def _give_grace(self, everything: anyio.CancelScope) -> None:
        """Wait for what runs; a second signal, or the end of the grace, hands it back."""
        with anyio.move_on_after(self._grace_s):
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                fork.claim(signal.SIGTERM, signal.SIGINT)
                async with anyio.create_task_group() as waiting:
                    waiting.start_soon(_cancel_at, signals, waiting.cancel_scope)
                    await self.until_idle()
                    waiting.cancel_scope.cancel()
        for served in (*self.queues, *self.groups):
            served.hand_back(CLEAN_UP_WITHIN_S)
        with anyio.move_on_after(CLEAN_UP_WITHIN_S + REPORT_OUTCOMES_WITHIN_S):
            await self.until_idle()
        everything.cancel()

    async def until_idle(self) -> None:
        """Return when no attempt is under way, and no event in hand."""
        for served in (*self.queues, *self.groups):
            await served.idle()


async def _cancel_at(signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope) -> None:
    """Cancel a scope at the first signal."""
    async for _ in signals:
        scope.cancel()


async def unless_signalled(work: Callable[[], Awaitable[T]]) -> T | None:
    """Return what a function returns; cancel it and return None when a signal asks to stop before it has."""
    task = asyncio.ensure_future(work())
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        fork.claim(signal.SIGTERM, signal.SIGINT)
        asked = asyncio.ensure_future(_next_of(signals))
        try:
            await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if stopped := asked.done():
                log.info("stopping", signal=signal.Signals(asked.result()).name, running=0)
            for one in (task, asked):
                one.cancel()
            await asyncio.wait({task, asked})
    return None if stopped and (task.cancelled() or task.exception() is None) else task.result()


async def _next_of(signals: AsyncIterator[signal.Signals]) -> signal.Signals:
    return await anext(signals)
