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
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, NamedTuple, cast

from tidings.circuit.breaker import Breaker, definition_among, definitions_of
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.context.context import Sink
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.errors import StoppedError
from tidings.logging.log_setup import LOG_SUBJECT, configure_logging
from tidings.process.parent_death import end_with_parent_if_asked
from tidings.resources.loop_bridge import LoopBridge
from tidings.token_bucket import TokenBucket
from tidings.tracing.spans import under_remote_span
from tidings_worker import fork
from tidings_worker.loading.loader import load_modules

from .arguments import arguments_of, result_json
from .call_with_dependencies import call_in_thread
from .error_transport import message_of
from .ipc_messages import (
    BreakerEntered,
    ChildAnswer,
    ChildQuestion,
    Chunk,
    ChunkTaken,
    EnterBreaker,
    Leave,
    LeaveBreaker,
    LifespanFailed,
    MemoValue,
    OutcomeMessage,
    Progress,
    Ready,
    RecallMemo,
    RecordMemo,
    Result,
    RunCommand,
    Stop,
    ToWorker,
    Welcome,
    pack,
    receive,
    to_child,
)
from .running_lifespans import LifespanError, RunningLifespans, States, jobs_with_states


class RemoteSink(Sink):
    """The handler's `Sink` on this side of the link; belongs to the event loop."""

    def __init__(
        self,
        command: RunCommand,
        welcome: Welcome,
        writer: asyncio.StreamWriter,
        job: Job[Any, Any],
        defined: dict[str, Breaker],
        numbers: Iterator[int],
    ) -> None:
        self.token = command.token
        self.kind = command.kind
        self.attempt = command.attempt
        self.correlation_id = command.correlation_id
        self.owner = command.owner
        self.tags = command.tags
        self.traceparent = command.traceparent
        self.idempotency_key = command.idempotency_key
        self._cancelled = False
        self.max_chunk_bytes = welcome.max_chunk_bytes
        self._writer = writer
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._pace = TokenBucket(welcome.progress_per_s, max(welcome.progress_per_s, 1.0), self._loop.time())
        self._latest_progress: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._defined = defined
        self._numbers = numbers
        self.bridge = LoopBridge(self._loop, lambda: self.cancelled)
        """Leads from the main thread to this loop, for `async def` dependencies."""
        self._asked: dict[int, asyncio.Future[str]] = {}
        """The questions without an answer: several threads of one handler may ask at the same time."""
        self._logged: asyncio.Future[str] | None = None
        """The answer to the last log chunk."""

    @property
    def cancelled(self) -> bool:
        """Whether the handler should stop."""
        return self._cancelled or fork.is_copy()

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._cancelled = value

    def progress(self, data: str) -> None:
        """Send progress now, or the newest as soon as the pace allows: the worker would only drop the rest."""
        self._latest_progress = data
        if self._timer is None:
            wait = self._pace.take(self._loop.time())
            if wait:
                self._timer = self._loop.call_later(wait, self._flush_late)
            else:
                self._flush()

    def log(self, chunk: str) -> None:
        """Send a log chunk."""
        self._flush()
        self._logged = self._ask(Chunk(next(self._numbers), chunk))

    async def room(self) -> None:
        """Return when the worker has taken the last chunk."""
        if self._logged is not None:
            with suppress(StoppedError):  # the next call of the context raises it
                await self._logged

    async def recall(self, name: str) -> str:
        """Ask the worker what is recorded under a name."""
        return await self._ask(RecallMemo(next(self._numbers), name))

    async def record(self, name: str, value: str) -> str:
        """Have the worker record something under a name."""
        return await self._ask(RecordMemo(next(self._numbers), name, value))

    @property
    def state(self) -> Any:
        """What the lifespan of the job's module yielded in this process."""
        return self._job.state

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return a breaker; for one with nothing but a name, the definition that this process has under it."""
        return definition_among(self._defined, breaker)

    async def enter(self, breaker: Breaker) -> str:
        """Ask the worker for a ticket."""
        spec, slow_call = breaker.spec, breaker.slow_call
        return await self._ask(EnterBreaker(next(self._numbers), breaker.name, spec, slow_call, breaker.when_open))

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Send how a call ended; a worker that has stopped the attempt has ended its calls by itself."""
        if not self.cancelled:
            self._send(LeaveBreaker(ticket, result, text))

    def answered(self, answer: ChildAnswer) -> None:
        """Give an answer to the thread that asked; an answer to an attempt before this one is dropped."""
        asked = self._asked.pop(answer.number, None)
        if asked is None or asked.done():
            return
        match answer:
            case ChunkTaken():
                asked.set_result("")
            case MemoValue(_, value):
                asked.set_result(value)
            case BreakerEntered(_, ticket, breaker, retry_after, when_open):
                if ticket:
                    asked.set_result(ticket)
                else:
                    asked.set_exception(CircuitOpenError(breaker, retry_after, when_open))

    def _ask(self, question: ChildQuestion) -> "asyncio.Future[str]":
        answer: asyncio.Future[str] = self._loop.create_future()
        if self.cancelled:
            answer.set_exception(StoppedError("the attempt is over"))
        else:
            self._asked[question.number] = answer
            self._send(question)
        return answer

    def stop(self) -> None:
        """The attempt is over."""
        self.cancelled = True
        self.bridge.stop()
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            if not answer.done():
                answer.set_exception(StoppedError("the attempt is over"))

    def end(self, outcome: OutcomeMessage) -> None:
        """Send how the handler ended, as the last message of this attempt."""
        self._flush()
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._send(outcome)

    def _flush_late(self) -> None:
        self._timer = None
        self._pace.take(self._loop.time())
        self._flush()

    def _flush(self) -> None:
        if self._latest_progress is not None and not self.cancelled:
            self._send(Progress(self._latest_progress))
        self._latest_progress = None

    def _send(self, message: ToWorker) -> None:
        fork.end_if_copy()
        self._writer.write(pack(message))


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
            asyncio.run(self._listen())
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
                case ChunkTaken() | MemoValue() | BreakerEntered() if sink is not None:
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
    for number in (signal.SIGTERM, signal.SIGINT):  # the worker handles a signal to the whole group;
        signal.signal(number, _ignore_signal)  # SIG_IGN would be inherited by what handlers start
        fork.claim(number)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    link = WorkerLink(channel)
    link.start()
    welcome = link.welcome()
    try:
        jobs = _load(welcome, link)
    except LifespanError:
        os._exit(1)
    link.ready(jobs)
    while (task := link.task()) is not None:
        link.end(task.sink, _perform(jobs[task.command.kind], task, welcome))
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


def _perform(job: Job[Any, Any], task: HandlerTask, welcome: Welcome) -> OutcomeMessage:
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
        arguments = arguments_of(job, command.input, task.context)
        with under_remote_span(command.traceparent):
            if job.dependencies is not None:
                context, sink = task.context, task.sink
                return Result(call_in_thread(job, arguments, context, sink, sink.bridge, welcome.max_result_bytes))
            return Result(result_json(job.function(**arguments), welcome.max_result_bytes))
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises, this process runs the next
        return message_of(error, job.policy)
    finally:
        fork.end_if_copy()


if __name__ == "__main__":
    main()
