"""The real worker, as it lives in a test: an event makes it leave, not a signal, and a test can lose it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextvars import Context, ContextVar
from typing import Any

import anyio
import anyio.abc

from tidings.store.redis.pipelined_connection import PendingCommand
from tidings.testing.served_jobs import ServedJobs
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.build import WorkerParts
from tidings_worker.presence import Presence
from tidings_worker.queue.queue import Queue
from tidings_worker.runner.running_lifespans import States
from tidings_worker.settings import WorkerSettings
from tidings_worker.shutdown import Shutdown
from tidings_worker.timing import Timing
from tidings_worker.worker import Worker

worker_of_task: "ContextVar[HeldWorker | None]" = ContextVar("worker_of_task", default=None)
"""The worker to which the running task belongs."""


class EventShutdown(Shutdown):
    """The shutdown of a worker that leaves when an event is set."""

    def __init__(self, queues: Collection[Queue], told: asyncio.Event) -> None:
        super().__init__(queues, 0)
        self._told = told

    async def _watch_signals(self, ending: anyio.abc.TaskGroup, taking: anyio.CancelScope) -> None:
        await self._told.wait()
        for queue in self.queues:
            queue.hand_back(1.0)
        taking.cancel()


class HeldWorker(Worker):
    """A worker on a loop whose clock a test holds."""

    def __init__(self, settings: WorkerSettings, served: ServedJobs, timing: Timing) -> None:
        super().__init__(settings, served.jobs, lifespans=served.lifespans, timing=timing)
        self.lost: bool = False
        self.told: asyncio.Event = asyncio.Event()
        """Set to have it leave."""
        self.tasks: set[asyncio.Task[Any]] = set()
        self._parts: WorkerParts | None = None

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts that it runs."""
        queues = {} if self._parts is None else self._parts.queues
        return [attempt for queue in queues.values() for attempt in queue.attempts]

    @property
    def takes_jobs(self) -> bool:
        """Whether it has begun to serve its queues."""
        return self._parts is not None

    @property
    def threads_work(self) -> bool:
        """Whether a plain function runs in one of its threads."""
        if self._parts is None:
            return False
        return self._parts.step_threads.borrowed_tokens > 0 or any(
            one.mode == "thread" and one.handler_runs for one in self.attempts
        )

    @property
    def on_trial(self) -> bool:
        """Whether one of its calls is the trial of a breaker."""
        return self._parts is not None and self._parts.breakers.on_trial

    def lose(self) -> None:
        """Cut it off from the store, and stop its tasks: what it has not said by now is never said.

        A process that is killed runs no more code. Python cannot stop a task so: each is cancelled, and runs what
        stands in its `finally`.
        """
        self.lost = True
        stores = () if self._parts is None else (self._parts.store, self._parts.subscriber)
        for store in stores:
            store.caller.send = _drop  # type: ignore[method-assign]
        for task in list(self.tasks):
            task.cancel()
        for store in stores:
            store.caller.close()

    async def serve(self) -> None:
        """Work until the world makes it leave or loses it."""
        worker_of_task.set(self)
        try:
            await self.run()
        except asyncio.CancelledError:
            if not self.lost:
                raise
        else:
            self.close()

    def _shutdown_of(self, queues: Collection[Queue]) -> Shutdown:
        return EventShutdown(queues, self.told)

    async def _until_stopped(self, enter: Callable[[], Awaitable[States]]) -> States | None:
        return await enter()

    def _start_background(self, background: anyio.abc.TaskGroup, parts: WorkerParts, presence: Presence) -> None:
        self._parts = parts
        super()._start_background(background, parts, presence)


def _drop(call: PendingCommand) -> None:
    """Send nothing: a process that is gone sends nothing, and hears nothing."""


def make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
    """Make a task that its worker knows of: the task factory of the loop."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context: Context | None = options.get("context")
    worker = worker_of_task.get() if context is None else context.get(worker_of_task)
    if worker is not None:
        worker.tasks.add(task)
        task.add_done_callback(worker.tasks.discard)
    return task
