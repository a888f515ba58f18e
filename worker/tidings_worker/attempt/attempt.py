"""One attempt: one run of one job, from its start to the report of its outcome."""

import asyncio
import inspect
import types
from typing import Any

import structlog

from tidings.circuit.circuit_open import CircuitOpenError
from tidings.declare.job import Job
from tidings.errors import Reject, Retry
from tidings.logging.log_setup import LOG_SUBJECT, debug_enabled
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.trace_context import trace_id_of
from tidings.saga.step_errors import StepError
from tidings.store.answers import ReportAnswer
from tidings.store.attempts.attempt_records import history_text
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptStore, LeaseRenewal, ReadyEntry, Started
from tidings.tracing.spans import Span, Tracing
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.error_text import traceback_of
from tidings_worker.outcome.errors import FinalError
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.runner import Runners
from tidings_worker.saga.saga import SagaServices
from tidings_worker.settings import WorkerSettings

from .attempt_span import begin_attempt_span, end_attempt_span, has_span
from .attempt_state import StopEffect
from .execution import Execution
from .handler_sink import HandlerSink
from .lifecycle import Lifecycle
from .reporter import Reporter
from .started_job import StartedJob

log = structlog.get_logger()

_EXPECTED_ERRORS = (Reject, Retry, CircuitOpenError, FinalError, StepError)
"""Errors that a handler raises on purpose, or lets pass: their outcome says enough, and the log needs no traceback."""


class Attempt:
    """One run of one job.

    The handler and the reasons to stop race for the outcome; see `attempt_state`. A handler that has to stop has
    `cancel_grace` seconds to clean up, in the loop, in a thread and in a process alike. If it takes longer, its process
    is killed; in the loop or in a thread it is abandoned, and keeps its slot until it ends.
    """

    def __init__(
        self,
        store: AttemptStore,
        settings: WorkerSettings,
        job: Job[Any, Any],
        entry: ReadyEntry,
        envelope: Envelope,
        started: Started,
        breakers: QueueBreakers,
        saga_services: SagaServices | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: the queue's partition.
            settings: limits of handlers, and the like.
            job: the job's kind.
            entry: the entry of the queue that the store gave.
            envelope: what the job was queued with.
            started: what the store answered to the start.
            breakers: those of the queue.
            saga_services: what sagas need; None: the handler takes no steps.

        """
        loop = asyncio.get_running_loop()
        started_job = StartedJob(entry.id, job, envelope, started)
        self._store = store
        self._started_job = started_job
        self._breakers = breakers
        self._tracing = None if saga_services is None else saga_services.tracing
        self._lifecycle = lifecycle = Lifecycle(loop, unwinding=started.unwinding)
        self._reporter = lifecycle.reporter = Reporter(
            store, entry.id, started.fence, settings.progress_per_s, lifecycle.stop, loop
        )
        self._sink = HandlerSink(store, started_job, self._reporter, lifecycle, breakers, saga_services, settings)
        self._execution = Execution(started_job, self._sink, lifecycle, breakers, loop, settings.max_result_bytes)
        self._span: Span | None = None
        """None: the attempt is not traced."""
        self.token = self._sink.token
        self.kind = job.kind
        self.mode = job.mode
        self.attempt = started.attempt
        self.beat = LeaseRenewal(entry.id, started.fence, entry.tier, entry.entry)
        """What the heartbeat renews."""
        self.began = loop.time()
        """When, by the loop's clock."""
        self.outcome_label = ""
        """How it ended, once it has: an event's name, or what else `label_of` returns; empty: it was lost."""

    # What the queue and the watchdog ask.

    @property
    def traceparent(self) -> str:
        """W3C Trace Context of the attempt where it is traced, else of the job; empty: none."""
        return self._sink.traceparent

    @property
    def code(self) -> types.CodeType | None:
        """The code of the handler, if it is plain Python."""
        code = getattr(inspect.unwrap(self._started_job.job.function), "__code__", None)
        return code if isinstance(code, types.CodeType) else None

    @property
    def error(self) -> BaseException | None:
        """What the handler raised."""
        return self._execution.error

    @property
    def ended_ms(self) -> int:
        """The store's time when it took the outcome; 0: it has not."""
        return self._reporter.ended_ms

    @property
    def has_parent(self) -> bool:
        """Whether a saga waits for the end of this job."""
        return self._started_job.envelope.depth > 0

    @property
    def handler_runs(self) -> bool:
        """Whether the handler still runs: after `run` it has been abandoned."""
        return self._lifecycle.handler_runs

    async def handler_ended(self) -> None:
        """Return when the handler has ended."""
        if self._lifecycle.run is not None:
            await asyncio.wait({self._lifecycle.run.ended})
            self._lifecycle.release()

    def woken(self) -> None:
        """Have the saga see whether there is news for what it waits for."""
        self._sink.look()

    def stop(self, reason: StopReason) -> None:
        """Stop the handler for a reason, if the attempt still can be stopped for it; see `attempt_state`."""
        self._lifecycle.stop(reason)

    def hand_back(self, grace: float) -> None:
        """Stop the handler because this worker leaves; it has no more than `grace` seconds to clean up."""
        if StopEffect.SHORTEN_GRACE in self._lifecycle.stop(StopReason.HAND_BACK):
            self._execution.shorten_grace(grace)

    # Running.

    async def run(self, runners: Runners) -> None:
        """Run the handler and report its outcome; every log line of this task carries the job from now on."""
        self._log_as_job()
        try:
            if self._tracing is None or not has_span(self._tracing, self._started_job.job, self.traceparent):
                await self._perform(runners)
            else:
                await self._perform_in_span(self._tracing, runners)
        finally:
            self._release()

    def _log_as_job(self) -> None:
        sink = self._sink
        LOG_SUBJECT.set(
            (sink.token, sink.kind, sink.attempt, sink.correlation_id, sink.traceparent, sink.owner, sink.tags)
        )

    async def _perform_in_span(self, tracing: Tracing, runners: Runners) -> None:
        """Run it in a span, below which the handler's own calls and children stand."""
        _, _, envelope, started = self._started_job
        span = begin_attempt_span(tracing, self._sink, self._store.partition, envelope, unwinding=started.unwinding)
        if span is None:
            await self._perform(runners)
            return
        self._sink.traceparent, self._span = span.traceparent, span
        self._log_as_job()
        try:
            with tracing.within(span):
                await self._perform(runners)
        finally:
            span.end()

    def _release(self) -> None:
        """Cut the circles of references between the parts.

        Thousands of attempts end every second. Without a circle each is freed at once; the garbage collector would
        have to find the others, and stop the worker for that.
        """
        self._reporter.detach()
        self._sink.close()
        self._lifecycle.release()

    async def _perform(self, runners: Runners) -> None:
        try:
            outcome = await self._execution.outcome(runners)
        finally:
            self._execution.close()
        self._lifecycle.end()
        if self.handler_runs:
            log.error("handler_abandoned", reason=self._lifecycle.reason, grace_s=self._execution.grace_s)
        if self._span is not None:
            end_attempt_span(self._span, outcome, self._execution.error)
        if outcome is None:
            self._reporter.stop_taking()
            log.warning("attempt_lost")
            return
        if outcome.field == "problem" and self.traceparent:
            outcome = outcomes.add_trace_id(outcome, trace_id_of(self.traceparent))
        self._take_answer(outcome, await self._reporter.end(outcome, self._history()))

    def _history(self) -> str:
        """Return what the history of finished jobs would hold of the job; empty: the store keeps none."""
        if not self._store.keeps_history:
            return ""
        _, _, envelope, started = self._started_job
        return history_text(self.beat.tier, envelope, started, self._store.worker)

    def _take_answer(self, outcome: AttemptOutcome, answer: ReportAnswer) -> None:
        """Take the store's answer to the report, and log what operators should know of the attempt."""
        self.outcome_label = outcomes.label_of(outcome, answer)
        if outcome.held:
            self._breakers.expect_parked_jobs(outcome.held)
        error = self._execution.error
        if answer == ReportAnswer.LOST:
            log.warning("outcome_refused", state=outcome.state)
        elif outcome.code:
            log.warning("saga_held", why=outcome.value, help="`tidings saga list --diverged` shows what is held")
        elif isinstance(error, FinalError):
            log.warning("attempt_refused", detail=error.problem.detail, handler=self._started_job.job.place)
        elif error is not None and not isinstance(error, _EXPECTED_ERRORS):
            log.warning("attempt_failed", state=outcome.state, exception=traceback_of(error))
        elif debug_enabled():
            log.debug("attempt_ended", state=outcome.state)
