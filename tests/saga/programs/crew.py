"""Workers in this process that are cut off at a chosen call of the store, as if they were killed or their network were.

They are real workers on a real store. What is not real: they share one event loop, and one that is killed is killed
between two steps of the loop, never in the middle of one.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple
from unittest import mock

import anyio

from support.timeouts import scaled
from tidings.declare.job import Job
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis import store_client
from tidings.store.redis.pipelined_connection import PendingCommand
from tidings.store.redis.script import library
from tidings.store.redis.store_client import Store
from tidings_worker.queue.queue import Queue
from tidings_worker.settings import WorkerSettings
from tidings_worker.shutdown import Shutdown
from tidings_worker.worker import Worker

LIBRARIES = (library(), library(sharded=True))
"""Of a store alone, and of a cluster."""

COUNTED = {
    one.functions[name]
    for one in LIBRARIES
    for name in ("start", "report", "step", "wake", "submit", "cancel", "signal", "promote", "journal")
}
"""The functions whose calls are counted."""

STARTS = {one.functions["start"] for one in LIBRARIES}
"""With the first of these the counting begins."""

BEYOND = 1_000_000
"""More calls than are made."""

BOUND_S = 20.0
"""Longer nothing here is waited for."""

How = Literal["killed before", "killed after", "killed meanwhile", "refused", "unheard", "leaves"]


class Cut(NamedTuple):
    """What happens to a call of the store, and to the worker that makes it."""

    at: int
    """Which call of all workers it is, from 1."""
    how: How
    """The worker is killed before the store takes the call, or after it has and before the worker hears, or while the
    call is under way, and reaches the store late; the call fails, before or after; the worker is asked to leave when it
    has been answered."""
    late: int = 0
    """So many calls later the store takes the call of a worker that was killed meanwhile."""


_mate: ContextVar["Mate | None"] = ContextVar("_mate", default=None)
"""The worker to which the running task belongs."""


class Mate(Worker):
    """A worker that can be told to leave, or be killed."""

    def __init__(self, crew: "Crew", settings: WorkerSettings, jobs: Iterable[Job[Any, Any]]) -> None:
        super().__init__(settings, jobs)
        self.crew = crew
        self.dead = False
        self.asked_to_leave = asyncio.Event()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.queues: Collection[Queue] = ()

    def obey(self, order: str) -> None:
        """Hear an order."""
        for queue in self.queues:
            queue.handle_command(order)

    def _shutdown_of(self, queues: Collection[Queue]) -> Shutdown:
        self.queues = queues
        return ToldShutdown(queues, self.asked_to_leave)


class ToldShutdown(Shutdown):
    """The shutdown of a worker that leaves when it is told, not at a signal."""

    def __init__(self, queues: Collection[Queue], asked_to_leave: asyncio.Event) -> None:
        super().__init__(queues, 0)
        self._asked_to_leave = asked_to_leave

    async def _watch_signals(self, ending: anyio.abc.TaskGroup, taking: anyio.CancelScope) -> None:
        await self._asked_to_leave.wait()
        for queue in self.queues:
            queue.hand_back(1.0)
        taking.cancel()
        await self.until_idle()


class Crew:
    """The workers, and what happens to them."""

    def __init__(self, url: str, jobs: Iterable[Job[Any, Any]], cuts: Iterable[Cut], lease_s: float) -> None:
        self._settings = WorkerSettings(
            store_url=url, lease_s=lease_s, heartbeat_s=lease_s / 3, grace_s=0, slots=50, name=""
        )
        self._jobs = tuple(jobs)
        self._cuts = {cut.at: cut for cut in cuts}
        self._under_way: list[tuple[int, PendingCommand]] = []
        self._calls = itertools.count(1)
        self._wishes: dict[int, Callable[[], None]] = {}
        self._hands: asyncio.TaskGroup | None = None
        self._over = False
        self._begun = False
        self._working: set[asyncio.Task[Any]] = set()
        self._mates: set[Mate] = set()
        self.store: Store | None = None
        """For what reaches it late."""
        self.moved = asyncio.Event()
        """Set whenever the store has answered one of the workers."""
        self.happened: list[str] = []
        """Every counted call, for whoever has to find out what went wrong."""

    def at(self, call: int, wish: Callable[[], None]) -> None:
        """Have something done when the workers make so many calls."""
        self._wishes[call] = wish

    def rest(self) -> None:
        """Take note that nothing moves: whoever wished for something later does not wait any longer."""
        if self._wishes:
            self._wishes.pop(min(self._wishes))()

    def hire(self) -> None:
        """Have one more worker."""
        assert self._hands is not None
        mate = Mate(self, self._settings, self._jobs)
        token = _mate.set(mate)
        try:
            task = self._hands.create_task(self._work(mate), name=f"worker {mate.id}")
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        finally:
            _mate.reset(token)

    async def _work(self, mate: Mate) -> None:
        self._mates.add(mate)
        try:
            await mate.run()
        except asyncio.CancelledError:
            if not mate.dead:
                raise
        finally:
            self._mates.discard(mate)
            await _end({task for task in mate.tasks if task is not asyncio.current_task()})
        if not self._over:  # it was killed, or has left
            self.hire()

    def send(self, mate: Mate, send: Callable[[PendingCommand], None], call: PendingCommand) -> None:
        """Send a call of a worker's, unless something happens to it."""
        if mate.dead:
            return
        self._begun = self._begun or call.args[1] in STARTS
        if not self._begun or call.args[1] not in COUNTED:
            send(call)
            return
        number = next(self._calls)
        cut = self._cuts.get(number)
        how = cut.how if cut else None
        name = str(call.args[1]).partition("_")[2].partition("_")[2]
        self.happened.append(f"{number} {mate.id[-6:]} {name} {call.args[3]!r} {how or ''}")
        if wish := self._wishes.pop(number, None):
            wish()
        self._arrive(number)
        match how:
            case "killed before":
                self._kill(mate)
            case "killed meanwhile":
                self._under_way.append((number + (cut.late if cut else 0), call))
                self._kill(mate)
            case "refused":
                asyncio.get_running_loop().call_soon(call.take, StoreUnavailableError("cut off"))
            case _:
                send(PendingCommand(call.args, lambda answer: self._take(mate, how, call, answer), call.future))

    def _take(self, mate: Mate, how: How | None, call: PendingCommand, answer: Any) -> None:
        self.moved.set()
        if mate.dead:
            return
        match how:
            case "killed after":
                self._kill(mate)
            case "unheard":
                call.take(StoreUnavailableError("cut off"))
            case _:
                call.take(answer)
                if how == "leaves":
                    mate.asked_to_leave.set()

    def _arrive(self, number: int) -> None:
        """Have what is under way, and is due by this call, reach the store."""
        due = [call for at, call in self._under_way if at <= number]
        self._under_way = [(at, call) for at, call in self._under_way if at > number]
        for call in due:
            assert self.store is not None
            self.store.caller.send(PendingCommand(call.args, lambda _: self.moved.set()))

    def obey(self, order: str) -> None:
        """Have every worker hear an order, as one that was long under way."""
        for mate in self._mates:
            mate.obey(order)

    def flush(self) -> bool:
        """Have all that is under way reach the store; return whether there was anything."""
        left = len(self._under_way)
        self._arrive(2 * BEYOND)
        return left > 0

    def _kill(self, mate: Mate) -> None:
        mate.dead = True
        for task in mate.tasks:
            task.cancel()

    def open_store(self, url: str, **options: Any) -> Store:
        """Open the store for the worker whose task this is."""
        store = store_client.open_store(url, **options)
        mate = _mate.get()
        assert mate is not None
        send = store.caller.send
        store.caller.send = lambda call: self.send(mate, send, call)  # type: ignore[method-assign]
        return store

    @asynccontextmanager
    async def working(self, mates: int) -> AsyncIterator["Crew"]:
        """Have some workers around the body."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(_make_task)
        try:
            with mock.patch("tidings_worker.build.open_store", self.open_store):
                async with asyncio.TaskGroup() as self._hands:
                    for _ in range(mates):
                        self.hire()
                    try:
                        yield self
                    finally:
                        self._over = True
                        await _end(self._working)
        finally:
            loop.set_task_factory(None)


def _make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Any, context: Any = None, **options: Any
) -> "asyncio.Task[Any]":
    """Make a task that its worker knows of; newer Pythons give more options."""
    task = asyncio.Task(coroutine, loop=loop, context=context, **options)
    mate = _mate.get() if context is None else context.get(_mate)
    if mate is not None:
        mate.tasks.add(task)
        task.add_done_callback(mate.tasks.discard)
    return task


async def _end(tasks: "set[asyncio.Task[Any]]") -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        _, stuck = await asyncio.wait(tasks, timeout=scaled(BOUND_S))
        assert not stuck, stuck
