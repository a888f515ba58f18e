"""What a handler's context calls, in the worker's own process."""

import asyncio
from typing import Any

import msgspec

from tidings.circuit.breaker import Breaker
from tidings.context.context import Sink
from tidings.errors import StoppedError
from tidings.protocol.problems import Problem
from tidings.protocol.tokens import Token
from tidings.saga.step_errors import SagaUseError
from tidings.store.answers import FenceAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptStore, MemoReply
from tidings.streams.written_stream import AttemptStreams
from tidings_worker import fork
from tidings_worker.circuit.guarded_calls import GuardedCalls
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.saga.saga import Saga, SagaServices
from tidings_worker.settings import WorkerSettings
from tidings_worker.until_answered import AttemptAsker, until_answered

from .lifecycle import Lifecycle
from .reporter import Reporter
from .started_job import StartedJob

STEPS_OR_STREAMS = (
    "a handler writes streams or takes steps, not both: one with steps runs again from its first line after each wait, "
    "and would say everything again; have a child job write the stream (`ctx.call`), or write a message by "
    "`tidings.ai.AgentWriter`"
)
"""Why an attempt cannot do both."""


class HandlerSink(Sink):
    """The `Sink` of one attempt, and the host of its saga.

    A handler that forked runs on in a copy of this process. Each method that would speak for the job ends such a copy.
    """

    def __init__(
        self,
        store: AttemptStore,
        started_job: StartedJob,
        reporter: Reporter,
        lifecycle: Lifecycle,
        breakers: QueueBreakers,
        saga_services: SagaServices | None,
        limits: WorkerSettings,
    ) -> None:
        """Prepare.

        Args:
            store: the queue's partition, which keeps what `ctx.once` records.
            started_job: what the attempt is about.
            reporter: sends progress and log to the store.
            lifecycle: says whether the handler should stop, and stops it.
            breakers: those of the queue.
            saga_services: what sagas need; None: this worker takes no steps.
            limits: of chunks and streams.

        """
        envelope = started_job.envelope
        self.token = str(Token(store.partition, started_job.id))
        self.kind = started_job.job.kind
        self.attempt = started_job.started.attempt
        self.correlation_id = envelope.correlation_id or self.token
        self.owner = envelope.owner
        self.tags = tuple(envelope.tags.split())
        self.traceparent = envelope.traceparent
        self.idempotency_key = envelope.key or self.token
        self.max_chunk_bytes = limits.max_chunk_bytes
        self.max_stream_bytes = limits.max_stream_bytes
        self.fence = started_job.fence
        self._started_job = started_job
        self._store = store
        self._reporter = reporter
        self._lifecycle = lifecycle
        self._breakers = breakers
        self._saga_services = saga_services
        self._saga: Saga | None = None
        self._streams: AttemptStreams | None = None
        """None: the handler has opened none."""
        self._guarded_calls: GuardedCalls | None = None
        """None: the attempt has called nothing behind a breaker."""
        self._recorded_memos: dict[str, str] = {}
        """What this attempt has recorded itself: name → JSON text."""

    @property
    def cancelled(self) -> bool:
        """Whether the handler should stop."""
        return self._lifecycle.cancelled or fork.is_copy()

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._lifecycle.cancelled = value

    # Progress and log.

    def progress(self, data: str) -> None:
        """Take the newest progress."""
        fork.end_if_copy()
        self._reporter.progress(data)

    def log(self, chunk: str) -> None:
        """Take a log chunk."""
        fork.end_if_copy()
        self._reporter.log(chunk)

    async def room(self) -> None:
        """Return when there is room for more chunks."""
        await self._reporter.room()

    # Streams.

    @property
    def streams(self) -> AttemptStreams:
        """The streams that the handler has opened.

        Raises:
            SagaUseError: it has taken steps, or opened streams that go with steps.

        """
        if self._streams is None:
            if self._saga is not None:
                raise SagaUseError(STEPS_OR_STREAMS)
            self._streams = AttemptStreams(self.max_chunk_bytes, self.max_stream_bytes)
        elif self._streams.with_steps:
            raise SagaUseError(STEPS_OR_STREAMS)
        return self._streams

    @property
    def streams_with_steps(self) -> AttemptStreams:
        """The streams that a handler which takes steps has opened.

        Raises:
            SagaUseError: it has opened streams that do not go with steps.

        """
        if self._streams is None:
            self._streams = AttemptStreams(self.max_chunk_bytes, self.max_stream_bytes, with_steps=True)
        elif not self._streams.with_steps:
            raise SagaUseError(STEPS_OR_STREAMS)
        return self._streams

    def write_chunk(self, stream: str, index: int, text: str, size: int) -> None:
        """Take a chunk of a stream."""
        fork.end_if_copy()
        self._reporter.write_chunk(stream, self.attempt, index, text, size)

    def keep_chunks(self, stream: str, kept: int, size: int) -> None:
        """Have the attempt take a stream over."""
        fork.end_if_copy()
        self._reporter.keep_chunks(stream, self.attempt, kept, size)

    async def earlier_chunks(self, stream: str) -> list[str]:
        """Return what an earlier attempt said in a stream."""
        if self.fence == 1:
            return []  # there was none: that saves a round trip
        job = self._started_job.id
        page = await until_answered(lambda _: self._store.read_stream(job, stream), AttemptAsker(self, batched=False))
        return [bytes(chunk).decode() for chunk in msgspec.json.decode(f"[{page.chunks}]", type=list[msgspec.Raw])]

    def end_streams(self) -> None:
        """Take nothing more of the streams: the handler has ended."""
        if self._streams is not None:
            self._streams.end()

    # Steps that are done once.

    async def recall(self, name: str) -> str:
        """Return what is recorded under a name; empty: nothing."""
        if name in self._recorded_memos:
            return self._recorded_memos[name]
        # Under the first fence no attempt before this one can have recorded anything: that saves a round trip.
        return "" if self.fence == 1 else await self._remember(name, "")

    async def record(self, name: str, value: str) -> str:
        """Record something under a name, and return what stands there."""
        self._recorded_memos[name] = await self._remember(name, value)
        return self._recorded_memos[name]

    async def _remember(self, name: str, value: str) -> str:
        memo = await until_answered(
            lambda apart: self._store.once(self._started_job.id, self.fence, name, value, apart=apart),
            AttemptAsker(self),
            accepts=self._is_ours,
        )
        return memo.value

    def _is_ours(self, memo: MemoReply) -> bool:
        if memo.answer is FenceAnswer.LOST:
            self.stop(StopReason.LOST)
        return memo.answer is FenceAnswer.OK

    # Calls behind circuit breakers.

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return the definition of a breaker."""
        return self._breakers.definition_of(breaker)

    async def enter(self, breaker: Breaker) -> str:
        """Return a ticket for a call, if its breaker lets it through."""
        fork.end_if_copy()
        if self.cancelled:
            raise StoppedError("the attempt is over: it makes no more calls")
        if self._guarded_calls is None:
            self._guarded_calls = self._breakers.guarded_calls(self.kind)
        return await self._guarded_calls.enter(breaker)

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Take note of how a call ended."""
        fork.end_if_copy()
        if self._guarded_calls is not None:
            self._guarded_calls.leave(ticket, result, text, timed_out=self._timed_out)

    def begin_call(self, ticket: str) -> None:
        """Count the time of a call from now, not from when it was let through."""
        if self._guarded_calls is not None:
            self._guarded_calls.begin(ticket)

    def end_calls(self) -> None:
        """End the calls that the handler has not ended: the attempt is over."""
        if self._guarded_calls is not None:
            self._guarded_calls.end(timed_out=self._timed_out)

    @property
    def _timed_out(self) -> bool:
        return self._lifecycle.reason is StopReason.TIMEOUT

    # What the worker has opened for its jobs.

    @property
    def state(self) -> Any:
        """What the lifespan of the job's module yielded."""
        return self._started_job.job.state

    # The steps of a saga.

    @property
    def saga(self) -> Saga:
        """The saga that takes the handler's steps; made when the handler first takes one."""
        if self._saga is None:
            if self._streams is not None and not self._streams.with_steps:
                raise SagaUseError(STEPS_OR_STREAMS)
            if self._saga_services is None:
                raise SagaUseError("this worker cannot take steps")
            _, job, envelope, started = self._started_job
            self._saga = Saga(self, self, self._saga_services, job, envelope, unwinding=started.unwinding)
        return self._saga

    def look(self) -> None:
        """Have the saga see whether there is news for what it waits for."""
        if self._saga is not None:
            self._saga.waits.look()

    @property
    def handler_task(self) -> "asyncio.Future[Any] | None":
        """The task that runs the handler; the saga refuses steps that other tasks take."""
        run = self._lifecycle.run
        return None if run is None else run.ended

    def stop(self, reason: StopReason) -> None:
        """Stop the handler."""
        self._lifecycle.stop(reason)

    def refuse(self, refused: Problem) -> None:
        """Stop the handler, and have the job fail for good."""
        self._lifecycle.refuse(refused)

    def hold(self, refused: Problem) -> AttemptOutcome | None:
        """Return how the attempt ends if the saga is to be held for what was refused; None: it is not."""
        return None if self._saga is None else self._saga.hold(refused)

    def close(self) -> None:
        """End the streams, and the saga, which leads back to this object."""
        self.end_streams()
        if self._saga is not None:
            self._saga.close()
            self._saga = None
