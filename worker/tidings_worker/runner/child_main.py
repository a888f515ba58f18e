"""A child process that runs handlers for a worker: `python -m tidings_worker.runner.child_main FD`.

The handler has the main thread, as it would in a program of its own. A second thread has an event loop and the link to
the worker: so a handler that keeps a core busy still learns from its context that it should stop, and that context is
the same `SyncContext` as in a thread of the worker.
"""

import asyncio
import itertools
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

import uvloop

from tidings.circuit.breaker import Breaker, definitions_of
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.logging.log_setup import LOG_SUBJECT, configure_logging
from tidings.process.allocator_tuning import keep_freed_memory
from tidings.process.parent_death import end_with_parent_if_asked
from tidings.tracing.spans import under_remote_span
from tidings_worker import fork
from tidings_worker.loading.loader import load_modules

from .arguments import arguments_of, result_json
from .call_with_dependencies import call_in_thread
from .error_transport import message_of
from .generator_call import said_in_thread
from .ipc_messages import (
    BreakerEntered,
    ChunkTaken,
    Leave,
    LifespanFailed,
    MemoValue,
    OutcomeMessage,
    Ready,
    ResultMessage,
    RunCommand,
    Stop,
    StreamValue,
    Welcome,
    pack,
    receive,
    to_child,
)
from .remote_sink import RemoteSink
from .running_lifespans import LifespanError, RunningLifespans, States, jobs_with_states
from .shared_memory import SHARED_BYTES, SharedFile, SharedMemory


class HandlerTask(NamedTuple):
    """One handler that the main thread has to run."""

    command: RunCommand
    sink: RemoteSink
    context: SyncContext


class WorkerLink(threading.Thread):
    """The thread with the link to the worker; the process ends with either."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(name="link", daemon=True)
        self._channel = channel
        self._welcomed: queue.SimpleQueue[Welcome] = queue.SimpleQueue()
        self._tasks: queue.SimpleQueue[HandlerTask | None] = queue.SimpleQueue()
        self._jobs: Mapping[str, Job[Any, Any]] = {}
        self._defined: dict[str, Breaker] = {}
        self._lifespans: RunningLifespans | None = None
        """Those that were entered."""
        self._loop: asyncio.AbstractEventLoop

    def welcome(self) -> Welcome:
        """Return the worker's first message."""
        return self._welcomed.get()

    def task(self) -> HandlerTask | None:
        """Return the next handler to run, as soon as there is one; None: this process can run no more."""
        return self._tasks.get()

    def enter(self, lifespans: RunningLifespans) -> States:
        """Enter the lifespans in this thread's event loop, where they live until the worker leaves.

        Raises:
            LifespanError: one cannot be entered; the worker knows it by then.

        """
        return asyncio.run_coroutine_threadsafe(self._enter(lifespans), self._loop).result()

    def ready(self, jobs: Mapping[str, Job[Any, Any]]) -> None:
        """Say that the modules are loaded, and their lifespans entered."""
        self._jobs = jobs
        self._defined = definitions_of(job.policy.breaker for job in jobs.values())
        self._loop.call_soon_threadsafe(self._writer.write, pack(Ready(leaves=self._lifespans is not None)))

    def end(self, sink: RemoteSink, outcome: OutcomeMessage) -> None:
        """Say how a handler ended."""
        self._loop.call_soon_threadsafe(sink.end, outcome)

    def run(self) -> None:
        """Listen until the worker is gone."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the worker's own kind of loop
                runner.run(self._listen())
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)

    async def _listen(self) -> None:
        fork.watch()
        self._loop = asyncio.get_running_loop()
        reader, self._writer = await asyncio.open_unix_connection(sock=self._channel)
        welcome = await receive(reader, to_child)
        if not isinstance(welcome, Welcome):
            return
        self._welcomed.put(welcome)
        numbers = itertools.count(1)
        sink: RemoteSink | None = None
        while (message := await receive(reader, to_child)) is not None:
            match message:
                case RunCommand():
                    job = self._jobs[message.kind]
                    sink = RemoteSink(message, welcome, self._writer, job, self._defined, numbers)
                    self._tasks.put(HandlerTask(message, sink, SyncContext(sink)))
                case Stop() if sink is not None:
                    sink.stop()
                case ChunkTaken() | StreamValue() | MemoValue() | BreakerEntered() if sink is not None:
                    sink.answered(message)
                case Leave():
                    if self._lifespans is not None:
                        await self._lifespans.leave()
                    return
                case _:
                    raise AssertionError(message)

    async def _enter(self, lifespans: RunningLifespans) -> States:
        try:
            states = await lifespans.enter()
        except LifespanError as error:
            self._writer.write(pack(LifespanFailed(str(error))))
            await self._writer.drain()
            raise
        self._lifespans = lifespans
        self._watcher = self._loop.create_task(self._watch(lifespans.broken), name="lifespans")
        return states

    async def _watch(self, broken: asyncio.Event) -> None:
        """Have this process end after the present handler when a lifespan has failed."""
        await broken.wait()
        self._tasks.put(None)


def main() -> None:
    """Run handlers until the worker is gone."""
    end_with_parent_if_asked(signal.SIGKILL)
    keep_freed_memory()
    for number in (signal.SIGTERM, signal.SIGINT):  # the worker handles a signal to the whole group;
        signal.signal(number, _ignore_signal)  # SIG_IGN would be inherited by what handlers start
        fork.claim(number)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    memory = SharedMemory(*(SharedFile(int(fd)) for fd in sys.argv[2:4]))
    for file in memory:
        os.set_inheritable(file.fd, False)
    link = WorkerLink(channel)
    link.start()
    welcome = link.welcome()
    try:
        jobs = _load(welcome, link)
    except LifespanError:
        os._exit(1)
    link.ready(jobs)
    while (task := link.task()) is not None:
        link.end(task.sink, _perform(jobs[task.command.kind], task, welcome, memory))
    os._exit(1)


def _ignore_signal(*_: object) -> None:
    """Take no notice."""


def _load(welcome: Welcome, link: WorkerLink) -> dict[str, Job[Any, Any]]:
    sys.path[:] = welcome.path
    if welcome.python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = welcome.python_path
    configure_logging(cast("Literal['console', 'json']", welcome.log_format), welcome.log_level)
    loaded = load_modules(welcome.modules)
    states: States = {}
    if loaded.lifespans:
        limits = {"enter_s": welcome.lifespan_enter_s, "leave_s": welcome.lifespan_leave_s}
        states = link.enter(RunningLifespans(loaded.lifespans, **limits))
    return jobs_with_states(loaded.jobs, states)


def _perform(job: Job[Any, Any], task: HandlerTask, welcome: Welcome, memory: SharedMemory) -> OutcomeMessage:
    command = task.command
    LOG_SUBJECT.set(
        (
            command.token,
            command.kind,
            command.attempt,
            command.correlation_id,
            command.traceparent,
            command.owner,
            command.tags,
        )
    )
    try:
        raw = memory.inputs.read(command.shared, command.shared) if command.shared else command.input
        arguments = arguments_of(job, raw, task.context, command.version)
        with under_remote_span(command.traceparent):
            context, sink, most = task.context, task.sink, welcome.max_result_bytes
            if job.dependencies is not None:
                return _result(call_in_thread(job, arguments, context, sink, sink.bridge, most), memory)
            if job.yields is not None:
                return _result(said_in_thread(job.yields, job.function(**arguments), context, sink, most), memory)
            return _result(result_json(job.function(**arguments), most), memory)
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises, this process runs the next
        return message_of(error, job.policy)
    finally:
        fork.end_if_copy()


def _result(value: bytes, memory: SharedMemory) -> ResultMessage:
    if len(value) < SHARED_BYTES:
        return ResultMessage(value)
    fork.end_if_copy()
    return ResultMessage(b"", len(value)) if memory.results.write(value) else ResultMessage(value)


if __name__ == "__main__":
    main()
