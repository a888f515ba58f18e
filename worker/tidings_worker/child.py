"""A child process that runs handlers for a worker: `python -m tidings_worker.child FD`.

The handler has the main thread, as it would in a program of its own. A second thread has an event loop and the
line to the worker; so a handler that keeps a core busy can still be told that it should stop, and its context is
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
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Literal, NamedTuple, cast

from tidings.breaker.error import CircuitOpenError
from tidings.breaker.policy import Breaker, breaker_of, definitions_of
from tidings.context import Sink, SyncContext
from tidings.job import Job
from tidings.log import SUBJECT, configure
from tidings.outcome import StoppedError
from tidings.parent import end_with_parent_if_asked
from tidings.trace import below

from . import fork
from .call import arguments_of, json_of
from .crossing import message_of
from .loader import load_jobs
from .message import (
    Answer,
    Chunk,
    Enter,
    Entered,
    Leave,
    Memo,
    Order,
    Progress,
    Question,
    Ready,
    Recall,
    Record,
    Result,
    Room,
    Stop,
    ToWorker,
    Verdict,
    Welcome,
    pack,
    receive,
    to_child,
)
from .pace import Pace


class Relay(Sink):
    """The handler's `Sink` on this side of the line; belongs to the event loop."""

    def __init__(
        self,
        order: Order,
        welcome: Welcome,
        writer: asyncio.StreamWriter,
        defined: dict[str, Breaker],
        numbers: Iterator[int],
    ) -> None:
        self.token = order.token
        self.kind = order.kind
        self.attempt = order.attempt
        self.correlation_id = order.correlation_id
        self.traceparent = order.traceparent
        self.idempotency_key = order.idempotency_key
        self._cancelled = False
        self.max_chunk_bytes = welcome.max_chunk_bytes
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(welcome.progress_per_s, self._loop.time())
        self._late: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._defined = defined
        self._numbers = numbers
        self._asked: dict[int, asyncio.Future[str]] = {}
        """What has not been answered: several threads of one handler may ask at the same time."""
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
        """Send progress now, or the newest as soon as the pace allows: the worker has other work than to drop it."""
        self._late = data
        if self._timer is None:
            now = self._loop.time()
            if self._pace.allow(now):
                self._flush()
            else:
                self._timer = self._loop.call_later(self._pace.wait(now), self._flush_late)

    def log(self, chunk: str) -> None:
        """Send a log chunk."""
        self._flush()
        self._logged = self._ask(Chunk(next(self._numbers), chunk))

    async def room(self) -> None:
        """Return when the worker has taken the last chunk."""
        if self._logged is not None:
            with suppress(StoppedError):  # the next word says so
                await self._logged

    async def recall(self, name: str) -> str:
        """Ask the worker what is recorded under a name."""
        return await self._ask(Recall(next(self._numbers), name))

    async def record(self, name: str, value: str) -> str:
        """Have the worker record something under a name."""
        return await self._ask(Record(next(self._numbers), name, value))

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant."""
        meant = breaker_of(breaker)
        return self._defined.get(meant.name, meant) if meant.is_plain else meant

    async def enter(self, breaker: Breaker) -> str:
        """Ask the worker for a ticket."""
        spec, slow_call = breaker.spec, breaker.slow_call
        return await self._ask(Enter(next(self._numbers), breaker.name, spec, slow_call, breaker.when_open))

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Tell the worker how a call ended, unless it knows better."""
        if not self.cancelled:
            self._send(Leave(ticket, result, text))

    def answered(self, answer: Answer) -> None:
        """Give an answer to the thread that asked; one to an attempt before this one is nobody's any more."""
        asked = self._asked.pop(answer.number, None)
        if asked is None or asked.done():
            return
        match answer:
            case Room():
                asked.set_result("")
            case Memo(_, value):
                asked.set_result(value)
            case Entered(_, ticket, breaker, retry_after, when_open):
                if ticket:
                    asked.set_result(ticket)
                else:
                    asked.set_exception(CircuitOpenError(breaker, retry_after, when_open))

    def _ask(self, question: Question) -> "asyncio.Future[str]":
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
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            if not answer.done():
                answer.set_exception(StoppedError("the attempt is over"))

    def end(self, verdict: Verdict) -> None:
        """Send how the handler ended; nothing is said after that."""
        self._flush()
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._send(verdict)

    def _flush_late(self) -> None:
        self._timer = None
        self._pace.allow(self._loop.time())
        self._flush()

    def _flush(self) -> None:
        if self._late is not None and not self.cancelled:
            self._send(Progress(self._late))
        self._late = None

    def _send(self, message: ToWorker) -> None:
        fork.end_if_copy()
        self._writer.write(pack(message))


class Task(NamedTuple):
    """What the main thread has to do."""

    order: Order
    relay: Relay
    context: SyncContext


class Line(threading.Thread):
    """The thread with the line to the worker; the process ends with either."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(name="line", daemon=True)
        self._channel = channel
        self._welcomed: queue.SimpleQueue[Welcome] = queue.SimpleQueue()
        self._loaded = threading.Event()
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._defined: dict[str, Breaker] = {}
        self._loop: asyncio.AbstractEventLoop

    def welcome(self) -> Welcome:
        """Return the worker's first message."""
        return self._welcomed.get()

    def task(self) -> Task:
        """Return what is to be done next."""
        return self._tasks.get()

    def ready(self, jobs: Iterable[Job[Any, Any]]) -> None:
        """Say that the modules are loaded."""
        self._defined = definitions_of(job.policy.breaker for job in jobs)
        self._loop.call_soon_threadsafe(self._writer.write, pack(Ready()))

    def end(self, relay: Relay, verdict: Verdict) -> None:
        """Say how a handler ended."""
        self._loop.call_soon_threadsafe(relay.end, verdict)

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
        relay: Relay | None = None
        while (message := await receive(reader, to_child)) is not None:
            match message:
                case Order():
                    relay = Relay(message, welcome, self._writer, self._defined, numbers)
                    self._tasks.put(Task(message, relay, SyncContext(relay)))
                case Stop() if relay is not None:
                    relay.stop()
                case Room() | Memo() | Entered() if relay is not None:
                    relay.answered(message)
                case _:
                    raise AssertionError(message)


def main() -> None:
    """Run handlers until the worker is gone."""
    end_with_parent_if_asked(signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT):  # a signal to the whole group is the worker's to hear;
        signal.signal(number, _stay)  # SIG_IGN would be inherited by what handlers start
        fork.claim(number)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    line = Line(channel)
    line.start()
    welcome = line.welcome()
    jobs = _load(welcome)
    line.ready(jobs.values())
    while True:
        task = line.task()
        line.end(task.relay, _perform(jobs[task.order.kind], task, welcome))


def _stay(*_: object) -> None:
    """Take no notice."""


def _load(welcome: Welcome) -> dict[str, Job[Any, Any]]:
    sys.path[:] = welcome.path
    if welcome.python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = welcome.python_path
    configure(cast("Literal['console', 'json']", welcome.log_format), welcome.log_level)
    return {job.kind: job for job in load_jobs(welcome.modules)}


def _perform(job: Job[Any, Any], task: Task, welcome: Welcome) -> Verdict:
    order = task.order
    SUBJECT.set((order.token, order.kind, order.attempt, order.correlation_id, order.traceparent))
    try:
        arguments = arguments_of(job, order.input, task.context)
        with below(order.traceparent):
            return Result(json_of(job.function(**arguments), welcome.max_result_bytes))
    except BaseException as error:  # noqa: BLE001 - whatever it raises, the next is waiting
        return message_of(error, job.policy)
    finally:
        fork.end_if_copy()


if __name__ == "__main__":
    main()
