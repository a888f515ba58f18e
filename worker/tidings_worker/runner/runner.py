"""How a handler is run: in the event loop, in a thread, or in a process. Each way is one small class."""

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from tidings.context.context import Context, Sink
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.errors import StoppedError
from tidings.process.async_library import leave_async_library
from tidings.resources.loop_bridge import LoopBridge
from tidings_worker import fork

from .arguments import arguments_of, result_json
from .call_with_dependencies import call_in_loop, call_in_thread
from .cancel_once import call_cancelled_once, new_scope
from .child_process import ChildProcess
from .executor_places import ExecutorPlaces
from .generator_call import said_in_loop, said_in_thread
from .handler_threads import HandlerThreads
from .ipc_messages import RunCommand
from .process_pool import ProcessPool


class Returned(NamedTuple):
    """The handler returned this, as JSON."""

    result: bytes


class Raised(NamedTuple):
    """The handler raised this."""

    error: BaseException


HandlerOutcome = Returned | Raised
"""How a handler ended: a value, so that no error of a handler travels through the worker's own tasks."""


class HandlerCall(NamedTuple):
    """A call of a handler, and what the worker needs to know of it."""

    job: Job[Any, Any]
    input: bytes | msgspec.Raw
    version: int
    """Of the kind, for which the input was checked."""
    sink: Sink
    on_begin: Callable[[], None]
    """To be called when the handler starts: before that it waits for a thread or a process."""
    on_ending: Callable[[], None]
    """May be called when the handler is just about to end, a turn of the loop before `ended` calls back."""
    max_result_bytes: int
    loop: asyncio.AbstractEventLoop
    """The running one."""


class Run(Protocol):
    """One handler that runs."""

    @property
    def ended(self) -> "asyncio.Future[HandlerOutcome]":
        """Done when the handler has really ended. Read it with `handler_outcome`."""
        ...

    def stop(self) -> None:
        """Ask the handler to stop; the sink says `cancelled` by now."""

    def kill(self) -> bool:
        """End the handler; return whether the worker can do that."""


class Runners:
    """The ways in which a worker runs the handlers of one queue; use it as `with`, so that its threads end."""

    def __init__(self, threads: int, pool: ProcessPool) -> None:
        self._threads = HandlerThreads()
        self._pool = pool
        self.threads = ExecutorPlaces(threads)
        """The queue reserves a place before it takes a job for a thread, so its handler never waits for one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.close()

    def places_of(self, need: str) -> ExecutorPlaces:
        """Return the places of a need: `thread` or `process`."""
        return self.threads if need == "thread" else self._pool.places

    def start(self, work: HandlerCall) -> Run:
        """Run a handler in the mode of its kind."""
        match work.job.mode:
            case "async":
                return LoopRun(work)
            case "thread":
                return ThreadRun(work, self._threads)
            case _:
                return ProcessRun(work, self._pool)


def handler_outcome(run: Run) -> HandlerOutcome:
    """Return how a run ended."""
    return Raised(asyncio.CancelledError()) if run.ended.cancelled() else run.ended.result()


class LoopRun:
    """An `async def` handler, in a task of its own: a handler that cancels its task cancels nothing else."""

    def __init__(self, work: HandlerCall) -> None:
        self._work = work
        self._scope = new_scope()
        self.ended = work.loop.create_task(self._run(), name=f"handler {work.sink.token}")
        work.on_begin()

    def stop(self) -> None:
        """Cancel it; see `call_cancelled_once`."""
        self._scope.cancel()

    def kill(self) -> bool:
        """Cancel it once more, even inside its shields; the loop offers no stronger means."""
        self.ended.cancel()
        return False

    async def _run(self) -> HandlerOutcome:
        work = self._work
        try:
            if work.sink.cancelled:
                return Raised(StoppedError())
            arguments = arguments_of(work.job, work.input, Context(work.sink), work.version)
            plan = work.job.dependencies
            if plan is not None:
                call = call_in_loop(plan, work.job, arguments, work.sink, work.max_result_bytes)
                return Returned(await call_cancelled_once(lambda: call, self._scope))
            if work.job.yields is not None:
                said = said_in_loop(work.job.yields, work.job.function(**arguments), work.sink, work.max_result_bytes)
                return Returned(await call_cancelled_once(lambda: said, self._scope))
            result = await call_cancelled_once(lambda: work.job.function(**arguments), self._scope)
            return Returned(result_json(result, work.max_result_bytes))
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the loop
            return Raised(error)
        finally:
            work.on_ending()  # no await follows, so the attempt that this wakes finds the task done


class ThreadRun:
    """A plain function in a thread. No thread can be stopped: the function has to ask, and keeps its thread."""

    def __init__(self, work: HandlerCall, threads: HandlerThreads) -> None:
        self._work = work
        self._threads = threads
        self._loop = work.loop
        self._context = SyncContext(work.sink)
        self._bridge: LoopBridge | None = None
        """None: the handler depends on nothing."""
        if work.job.dependencies is not None:
            self._bridge = LoopBridge(work.loop, lambda: work.sink.cancelled)
        self._begun = False
        self.ended: asyncio.Future[HandlerOutcome] = work.loop.create_future()
        threads.start(partial(contextvars.copy_context().run, self._run))
        work.on_begin()

    def stop(self) -> None:
        """Give it up if it has not begun, or stop waiting for the dependency that is being made."""
        if not self._begun:
            self.ended.cancel()
        elif self._bridge is not None:
            self._bridge.stop()

    def kill(self) -> bool:
        """Leave it alone."""
        return False

    def _run(self) -> None:
        """Run the handler in its thread, and tell the event loop how it ended."""
        leave_async_library()
        ending = self._call()
        try:
            self._loop.call_soon_threadsafe(self._end, ending)
        except RuntimeError:
            if not self._loop.is_closed():  # else it was abandoned, and the worker has left
                raise

    def _end(self, ending: HandlerOutcome) -> None:
        self._threads.ended()
        if not self.ended.done():
            self.ended.set_result(ending)

    def _call(self) -> HandlerOutcome:
        work = self._work
        self._begun = True  # before it looks at `cancelled`: `stop` does both in the other order, so one sees the other
        try:
            if work.sink.cancelled:
                return Raised(StoppedError())
            arguments = arguments_of(work.job, work.input, self._context, work.version)
            if self._bridge is not None:
                return Returned(
                    call_in_thread(work.job, arguments, self._context, work.sink, self._bridge, work.max_result_bytes)
                )
            if work.job.yields is not None:
                generator = work.job.function(**arguments)
                return Returned(
                    said_in_thread(work.job.yields, generator, self._context, work.sink, work.max_result_bytes)
                )
            return Returned(result_json(work.job.function(**arguments), work.max_result_bytes))
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the thread
            return Raised(error)
        finally:
            fork.end_if_copy()


class ProcessRun:
    """A plain function in a process of the pool, which can be killed."""

    def __init__(self, work: HandlerCall, pool: ProcessPool) -> None:
        self._work = work
        self._pool = pool
        self._process: ChildProcess | None = None
        self.ended = asyncio.create_task(self._run(), name=f"handler {work.sink.token}")

    def stop(self) -> None:
        """Have its context say so; give it up if it still waits for a process."""
        if self._process is None:
            self.ended.cancel()
        else:
            self._process.ask_to_stop()

    def kill(self) -> bool:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
        return True

    async def _run(self) -> HandlerOutcome:
        sink = self._work.sink
        command = RunCommand(
            kind=self._work.job.kind,
            token=sink.token,
            attempt=sink.attempt,
            correlation_id=sink.correlation_id,
            owner=sink.owner,
            tags=sink.tags,
            traceparent=sink.traceparent,
            idempotency_key=sink.idempotency_key,
            input=bytes(self._work.input),
            version=self._work.version,
        )
        try:
            async with self._pool.lend() as process:
                self._process = process
                self._work.on_begin()
                return Returned(await process.perform(command, sink))
        except Exception as error:  # noqa: BLE001
            return Raised(error)
