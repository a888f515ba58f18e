"""What the context of a handler calls in a child process: the link to the worker takes it there."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tidings.circuit.breaker import Breaker, definition_among
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.context.context import Sink
from tidings.declare.job import Job
from tidings.errors import StoppedError
from tidings.resources.loop_bridge import LoopBridge
from tidings.streams.written_stream import AttemptStreams
from tidings.token_bucket import TokenBucket
from tidings_worker import fork

from .ipc_messages import (
    BreakerEntered,
    ChildAnswer,
    ChildQuestion,
    Chunk,
    ChunkTaken,
    EnterBreaker,
    KeepStream,
    LeaveBreaker,
    MemoValue,
    OutcomeMessage,
    Progress,
    RecallMemo,
    RecallStream,
    RecordMemo,
    RunCommand,
    StreamValue,
    StreamWrite,
    ToWorker,
    Welcome,
    pack,
)


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
        self.max_stream_bytes = welcome.max_stream_bytes
        self.attempt_streams = AttemptStreams(welcome.max_chunk_bytes, welcome.max_stream_bytes)
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
        self._asked: dict[int, asyncio.Future[Any]] = {}
        """The questions without an answer: several threads of one handler may ask at the same time."""
        self._taken: asyncio.Future[str] | None = None
        """The answer to the last chunk, of the log or of a stream."""
        self._said: list[tuple[str, int, str, int]] = []
        """Chunks of streams that have not been sent: stream, index, JSON text, what it counts."""

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
        self._flush_said()
        self._taken = self._ask(Chunk(next(self._numbers), chunk))

    async def room(self) -> None:
        """Return when the worker has taken the last chunk."""
        self._flush_said()
        if self._taken is not None:
            with suppress(StoppedError):  # the next call of the context raises it
                await self._taken

    @property
    def streams(self) -> AttemptStreams:
        """The streams that the handler has opened."""
        return self.attempt_streams

    def write_chunk(self, stream: str, index: int, text: str, size: int) -> None:
        """Send a chunk of a stream, together with what else is written in this turn of the loop."""
        if not self._said:
            self._loop.call_soon(self._flush_said)
        self._said.append((stream, index, text, size))

    def keep_chunks(self, stream: str, kept: int, size: int) -> None:
        """Send that the attempt takes a stream over."""
        self._flush_said()
        if not self.cancelled:
            self._send(KeepStream(stream, kept, size))

    async def earlier_chunks(self, stream: str) -> list[str]:
        """Ask the worker what an earlier attempt said."""
        chunks: list[str] = await self._ask(RecallStream(next(self._numbers), stream))
        return chunks

    def _flush_said(self) -> None:
        said, self._said = self._said, []
        for (stream, _), chunks in itertools.groupby(enumerate(said), lambda one: (one[1][0], one[1][1] - one[0])):
            together = [chunk for _, chunk in chunks]
            message = StreamWrite(
                next(self._numbers), stream, together[0][1], [(text, size) for _, _, text, size in together]
            )
            self._taken = self._ask(message)
            self._taken.add_done_callback(_retrieve_error)  # not each of them has a waiter

    async def recall(self, name: str) -> str:
        """Ask the worker what is recorded under a name."""
        value: str = await self._ask(RecallMemo(next(self._numbers), name))
        return value

    async def record(self, name: str, value: str) -> str:
        """Have the worker record something under a name."""
        recorded: str = await self._ask(RecordMemo(next(self._numbers), name, value))
        return recorded

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
        ticket: str = await self._ask(
            EnterBreaker(next(self._numbers), breaker.name, spec, slow_call, breaker.when_open)
        )
        return ticket

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
            case StreamValue(_, chunks):
                asked.set_result(chunks)
            case MemoValue(_, value):
                asked.set_result(value)
            case BreakerEntered(_, ticket, breaker, retry_after, when_open):
                if ticket:
                    asked.set_result(ticket)
                else:
                    asked.set_exception(CircuitOpenError(breaker, retry_after, when_open))

    def _ask(self, question: ChildQuestion) -> "asyncio.Future[Any]":
        answer: asyncio.Future[Any] = self._loop.create_future()
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
        self._flush_said()
        self.attempt_streams.end()
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


def _retrieve_error(answer: "asyncio.Future[Any]") -> None:
    if not answer.cancelled():
        answer.exception()
