"""One attempt: a handler, its context, its limits, and how it ends."""

import asyncio
import inspect
import random
import types
from typing import Any

import msgspec
import structlog

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import failure_text
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.context import Sink
from tidings.errors import Reject, Retry, StoppedError
from tidings.job import Job
from tidings.logging.log_setup import LOG_SUBJECT, debug_enabled
from tidings.protocol.envelope import Envelope
from tidings.protocol.problems import Problem, problem
from tidings.protocol.states import State
from tidings.protocol.tokens import Token
from tidings.protocol.trace_context import trace_id_of
from tidings.saga.step_errors import SagaUseError, StepError
from tidings.store.attempt_store import AttemptOutcome, AttemptStore, LeaseRenewal, ReadyEntry, Started
from tidings.store.availability.store_errors import ItemError, ScriptError, StoreClosedError, StoreError
from tidings.tracing.spans import Span, Tracing
from tidings_worker import fork, outcomes
from tidings_worker.circuit.guarded_calls import GuardedCalls
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.error_text import traceback_of
from tidings_worker.errors import FinalError, ProcessEndedError, breaker_result_of, checked_circuit_error
from tidings_worker.runner.runner import HandlerCall, Raised, Returned, Run, Runners, handler_outcome
from tidings_worker.saga.compensation import CompensationRun, Compensator
from tidings_worker.saga.saga import Saga, SagaServices
from tidings_worker.settings import WorkerSettings

from .attempt_span import begin_attempt_span, end_attempt_span, has_span
from .blocked_loop import BLOCKED_LOOP_MEMO, read_blocked_loop
from .reporter import Reporter

log = structlog.get_logger()

REBUILD_S = 60.0
"""How long the handler of a saga that unwinds may take to say how its steps are undone, if it has no time limit."""

KILL_WITHIN_S = 5.0
"""How long a handler that was killed may take to be gone."""


_STOP_ERRORS = (asyncio.CancelledError, StoppedError, ProcessEndedError)
"""How a handler ends that does as it is told, or was killed."""


_USERS_REASONS = ("cancel", "expired")
"""Why a job stops because somebody wishes it; a saga that undoes its work does not."""


_EXPECTED_ERRORS = (Reject, Retry, CircuitOpenError, FinalError, StepError)
"""What a handler raises on purpose, or lets pass: it says all there is to say."""


class Attempt(Sink):
    """One run of one job. It is the handler's `Sink`.

    Whoever is first decides how it ends. If the handler ends before anyone told it to stop, what it returned or
    raised is the outcome. Once it has been told, the reason is the outcome, whatever the handler returns after
    that: it has `cancel_grace` seconds to clean up, in the loop, in a thread and in a process alike. If it takes
    longer, its process is killed; in the loop or in a thread it is abandoned, and keeps its slot until it ends.
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
        self.token = str(Token(store.partition, entry.id))
        self.kind = job.kind
        self.mode = job.mode
        self.attempt = started.attempt
        self.correlation_id = envelope.correlation_id or self.token
        self.traceparent = envelope.traceparent
        self.idempotency_key = envelope.key or self.token
        self._cancelled = False
        self.max_chunk_bytes = settings.max_chunk_bytes
        self.beat = LeaseRenewal(entry.id, started.fence, entry.tier, entry.entry)
        """What the heartbeat says of it."""
        self._id = entry.id
        self._store = store
        self._settings = settings
        self._job = job
        self._envelope = envelope
        self._saga_services = saga_services
        self._saga: Saga | None = None
        self._refused: Problem | None = None
        self._started = started
        self._breakers = breakers
        self._guarded_calls: GuardedCalls | None = None
        """Its calls of services behind breakers, if there are any."""
        self._ticket = ""
        """That of the handler itself, if its kind has a breaker."""
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        """When, by the loop's clock."""
        self._reporter = Reporter(store, entry.id, started.fence, settings.progress_per_s, self.stop, self._loop)
        self._span: Span | None = None
        """If somebody traces it."""
        self._run: Run | None = None
        self._reason = ""
        self._grace = job.policy.cancel_grace
        self._error: BaseException | None = None
        self._wakeup: asyncio.Future[None] = self._loop.create_future()
        self.outcome_label = ""
        """How it ended, once it has: an event's name, or `held`, `unwinding` or `handed_back`; empty: it was lost."""
        self._recorded_memos: dict[str, str] = {}
        """What this attempt has recorded itself."""
        self._limit_timers: list[asyncio.TimerHandle] = []
        self._grace_timer: asyncio.TimerHandle | None = None

    # What the handler sees and says.

    @property
    def cancelled(self) -> bool:
        """Whether the handler should stop."""
        return self._cancelled or fork.is_copy()

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._cancelled = value

    def progress(self, data: str) -> None:
        """Take the newest progress."""
        fork.end_if_copy()
        self._reporter.progress(data)

    def log(self, chunk: str) -> None:
        """Take a log chunk."""
        fork.end_if_copy()
        self._reporter.log(chunk)

    async def room(self) -> None:
        """Return when there is room for more log chunks."""
        await self._reporter.room()

    async def recall(self, name: str) -> str:
        """Return what is recorded under a name."""
        if name in self._recorded_memos:
            return self._recorded_memos[name]
        # Under the first fence nobody can have recorded anything before.
        return "" if self._started.fence == 1 else await self._remember(name, "")

    async def record(self, name: str, value: str) -> str:
        """Record something under a name."""
        self._recorded_memos[name] = await self._remember(name, value)
        return self._recorded_memos[name]

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant."""
        return self._breakers.definition_of(breaker)

    async def enter(self, breaker: Breaker) -> str:
        """Return a ticket for a call, if its breaker lets it through."""
        fork.end_if_copy()
        if self.cancelled:
            raise StoppedError("the attempt is over: nothing more is called for it")
        if self._guarded_calls is None:
            self._guarded_calls = self._breakers.guarded_calls(self.kind)
        return await self._guarded_calls.enter(breaker)

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Take note of how a call ended."""
        fork.end_if_copy()
        if self._guarded_calls is not None:
            self._guarded_calls.leave(ticket, result, text, timed_out=self._reason == "timeout")

    async def _remember(self, name: str, value: str) -> str:
        """Ask the store until it answers, or the attempt is over."""
        fork.end_if_copy()
        refused = False
        while not self.cancelled:
            try:
                memo = await self._store.once(self._id, self._started.fence, name, value, apart=refused)
            except StoreClosedError:
                break
            except StoreError as error:
                if refused and isinstance(error, ItemError):  # it was asked alone: to ask again would not help
                    self.refuse(outcomes.unreadable_record())
                refused = refused or isinstance(error, ScriptError)
                continue  # the next batch leaves the store alone for a while
            if memo.answer != "lost":
                return memo.value
            self.stop("lost")
        raise StoppedError("the attempt is over: nothing more is recorded for it")

    @property
    def saga(self) -> Saga:
        """What takes the handler's steps."""
        if self._saga is None:
            if self._saga_services is None:
                raise SagaUseError("this worker cannot take steps")
            unwinding = self._started.unwinding
            self._saga = Saga(self, self, self._saga_services, self._job, self._envelope, unwinding=unwinding)
        return self._saga

    @property
    def fence(self) -> int:
        """The number under which the store takes its words."""
        return self._started.fence

    @property
    def code(self) -> types.CodeType | None:
        """The code of the handler, if it is plain Python."""
        code = getattr(inspect.unwrap(self._job.function), "__code__", None)
        return code if isinstance(code, types.CodeType) else None

    @property
    def handler_task(self) -> "asyncio.Task[Any] | None":
        """The task that runs the handler."""
        return self._run.ended if self._run is not None else None

    # What others ask.

    def refuse(self, refused: Problem) -> None:
        """Stop the handler, and have the job fail for good."""
        self._refused = self._refused or refused
        self.stop("refused")

    def woken(self) -> None:
        """See whether there is news for what the handler waits for."""
        if self._saga is not None:
            self._saga.waits.look()

    @property
    def ended_ms(self) -> int:
        """The store's time when it took the outcome; 0: it has not."""
        return self._reporter.ended_ms

    @property
    def has_parent(self) -> bool:
        """Whether a saga waits for its end."""
        return self._envelope.depth > 0

    def stop(self, reason: str) -> None:
        """Stop the handler, unless it has ended.

        Args:
            reason: `cancel` (someone asked), `lost` (the job is another worker's by now), `hand_back` (this
                worker leaves), `timeout` (the attempt has had its time), `expired` (the job has), `waiting` (a saga
                has nothing to do but to wait) or `refused` (its steps do not fit). The first one stands. A wish that
                comes when the saga already undoes its work, said of an attempt before this one, counts for nothing.

        """
        if self._started.unwinding and reason in _USERS_REASONS:
            return
        if reason == "lost":
            self._reporter.lost()
        if not self._reason and not (self._run is not None and self._run.ended.done()):
            self._reason = reason
            self.cancelled = True
            self._wake()

    def hand_back(self, grace: float) -> None:
        """Stop the handler because this worker leaves; it has no more than `grace` seconds to clean up."""
        self._grace = min(self._grace, grace)
        self.stop("hand_back")
        if self._grace_timer is not None:
            self._start_grace(self._grace)

    @property
    def handler_runs(self) -> bool:
        """Whether the handler still runs: after `run` it has been abandoned."""
        return self._run is not None and not self._run.ended.done()

    async def handler_ended(self) -> None:
        """Return when the handler has ended."""
        if self._run is not None:
            await asyncio.wait({self._run.ended})

    # Running.

    async def run(self, runners: Runners) -> None:
        """Run the handler and have its outcome written; every line of this task is about the job from now on."""
        LOG_SUBJECT.set((self.token, self.kind, self.attempt, self.correlation_id, self.traceparent))
        tracing = None if self._saga_services is None else self._saga_services.tracing
        try:
            if tracing is None or not has_span(tracing, self._job, self.traceparent):
                await self._perform(runners)
            else:
                await self._trace(tracing, runners)
        finally:
            self._let_go()

    async def _trace(self, tracing: Tracing, runners: Runners) -> None:
        """Run it in a span, which is what the handler's own calls and children stand below."""
        span = begin_attempt_span(
            tracing, self, self._store.partition, self._envelope, unwinding=self._started.unwinding
        )
        if span is None:
            await self._perform(runners)
            return
        self.traceparent, self._span = span.traceparent, span
        LOG_SUBJECT.set((self.token, self.kind, self.attempt, self.correlation_id, self.traceparent))
        try:
            with tracing.within(span):
                await self._perform(runners)
        finally:
            span.end()

    def _let_go(self) -> None:
        """Cut what leads back here: thousands end every second, and the collector would have to find each of them."""
        self._reporter.detach()
        if self._saga is not None:
            self._saga.close()
            self._saga = None
        if not self.handler_runs:
            self._run = None

    async def _perform(self, runners: Runners) -> None:
        try:
            outcome = await self._outcome(runners)
        finally:
            if self._guarded_calls is not None:
                self._guarded_calls.end(timed_out=self._reason == "timeout")
        self._stop_clocks()
        self.cancelled = True  # a handler that was left behind must find out
        if self.handler_runs:
            log.error("handler_abandoned", reason=self._reason, grace_s=self._grace)
        if self._span is not None:
            end_attempt_span(self._span, outcome, self._error)
        if outcome is None:
            self._reporter.stop_taking()
            log.warning("attempt_lost")
            return
        if self.traceparent and outcome.field == "problem":
            outcome = outcomes.add_trace_id(outcome, trace_id_of(self.traceparent))
        answer = await self._reporter.end(outcome)
        self.outcome_label = outcomes.label_of(outcome, answer)
        if outcome.held:
            self._breakers.expect_parked_jobs(outcome.held)
        if answer == "lost":
            log.warning("outcome_refused", state=outcome.state)
        elif self._error is not None and not isinstance(self._error, _EXPECTED_ERRORS):
            log.warning("attempt_failed", state=outcome.state, exception=traceback_of(self._error))
        elif debug_enabled():
            log.debug("attempt_ended", state=outcome.state)

    async def _outcome(self, runners: Runners) -> AttemptOutcome | None:
        if self._started.lost >= self._job.policy.max_deliveries:
            return await self._worn_out()
        if self._must_stop():
            return self._stopped()
        if self._started.unwinding:
            return await self._unwind(runners)
        breaker = self._job.policy.breaker
        kept_out = None if breaker is None else await self._ask_breaker(breaker)
        if kept_out is not None or self._must_stop():
            return kept_out or self._stopped()
        run = self._start(runners)
        await self._wakeup
        if not self._must_stop():
            return self._outcome_of_run(run)
        await self._end(run)
        return self._stopped()

    async def _ask_breaker(self, breaker: Breaker) -> AttemptOutcome | None:
        """Ask the kind's breaker; return how the attempt ends if it may not begin."""
        try:
            self._ticket = await self.enter(self._breakers.definition_of(breaker))
        except CircuitOpenError as error:
            return self._breaker_open_outcome(error)
        except StoppedError:
            return None
        return None

    def _breaker_open_outcome(self, error: CircuitOpenError) -> AttemptOutcome:
        circuit = checked_circuit_error(error)
        if circuit.when_open == "fail":
            return outcomes.refused_by_breaker(circuit.breaker, circuit.retry_after)
        return outcomes.parked_for_breaker(self.attempt, circuit.breaker, self._breakers.wait(circuit))

    async def _unwind(self, runners: Runners) -> AttemptOutcome | None:
        """Undo what the saga has done: have its handler say how, then do it."""
        await self._rebuild(runners)
        saga = self.saga
        if not self._must_stop():
            saga.waits.restart(lambda: self.stop("waiting"))
            undoing = self._run = CompensationRun(Compensator(saga).run(), self.token)
            undoing.ended.add_done_callback(self._wake)
            while not undoing.ended.done() and not self._must_stop():
                self._wakeup = self._loop.create_future()
                await self._wakeup
            if not self._must_stop():
                return self._unwound(undoing)
            await self._end(undoing)
        return self._stopped()

    def _unwound(self, undoing: CompensationRun) -> AttemptOutcome:
        if undoing.outcome is not None:
            return undoing.outcome
        ending = handler_outcome(undoing)
        assert isinstance(ending, Raised)
        raise ending.error

    async def _rebuild(self, runners: Runners) -> None:
        """Run the handler up to where every step has said how it is undone; what is in the journal is not done again.

        A handler that does not get there within its time is left alone: what can be undone is.
        """
        saga = self.saga
        try:
            journal = await saga.journal_client.load()
        except StoppedError:
            return
        wanted = {row.path for row in journal.to_undo() if not row.head.undo_kind}
        if not wanted:
            return

        def known() -> None:
            if wanted <= saga.undos.keys():
                self._wake()

        saga.on_undo = known
        saga.waits.on_idle = self._wake
        run = self._start(runners)
        self._start_grace(self._job.policy.timeout or REBUILD_S)
        await self._wakeup
        saga.end_rebuilding()
        await self._end(run)
        if self._grace_timer is not None:
            self._grace_timer.cancel()
            self._grace_timer = None

    def _must_stop(self) -> bool:
        return bool(self._reason)

    def _start(self, runners: Runners) -> Run:
        if self._started.remaining_ms > 0:
            self._start_limit(self._started.remaining_ms / 1000, "expired")
        work = HandlerCall(
            self._job, self._envelope.input, self, self._begin, self._wake, self._settings.max_result_bytes, self._loop
        )
        self._run = runners.start(work)
        self._run.ended.add_done_callback(self._wake)
        return self._run

    def _outcome_of_run(self, run: Run) -> AttemptOutcome:
        match handler_outcome(run):
            case Returned(result):
                if self._ticket:
                    self.leave(self._ticket, "ok", "")
                return outcomes.succeeded(result)
            case Raised(error):
                self._error = error
                if self._ticket and self._job.policy.breaker is not None:
                    self.leave(self._ticket, breaker_result_of(self._job.policy.breaker, error), failure_text(error))
                if isinstance(error, CircuitOpenError):
                    return self._breaker_open_outcome(error)
                return outcomes.raised(self._job, self.attempt, error, random.random(), self._started.lost)  # noqa: S311

    async def _end(self, run: Run) -> None:
        """Have the handler end, if it can be had within its grace."""
        run.stop()
        await self._ended_within(self._grace)
        if not run.ended.done() and run.kill():
            await self._ended_within(KILL_WITHIN_S)
        ending = handler_outcome(run) if run.ended.done() else None
        if isinstance(ending, Raised) and not isinstance(ending.error, _STOP_ERRORS):
            self._error = ending.error

    async def _ended_within(self, seconds: float) -> None:
        self._wakeup = self._loop.create_future()
        if not self.handler_runs:
            return
        self._start_grace(seconds)
        await self._wakeup

    def _stopped(self) -> AttemptOutcome | None:
        match self._reason:
            case "cancel":
                return outcomes.cancelled()
            case "hand_back":
                return outcomes.handed_back()
            case "expired":
                return outcomes.expired()
            case "timeout":
                limit = self._job.policy.timeout or 0.0
                return outcomes.timed_out(self._job, self.attempt, limit, random.random(), self._started.lost)  # noqa: S311
            case "waiting":
                return self.saga.waits.waiting_outcome()
            case _:
                return self._failed(self._refused) if self._refused is not None else None

    def _failed(self, refused: Problem) -> AttemptOutcome:
        """Return how a job ends that is not tried again. A saga that unwinds still owes what it could not undo."""
        if self._started.unwinding:
            return outcomes.unwound(State.FAILED, refused, compensation="incomplete")
        return outcomes.failed(refused)

    async def _worn_out(self) -> AttemptOutcome | None:
        """Return how a job ends that workers were lost with; why, if one of them has left word of that."""
        detail = f"{self._started.lost} workers were lost while they ran this; it is not tried again"
        try:
            blocked = read_blocked_loop(await self.recall(BLOCKED_LOOP_MEMO))
        except StoppedError:
            return self._stopped()
        if blocked is None:
            return self._failed(problem("worker_lost", detail))
        note = outcomes.dead_letter_note(blocked.text, blocked.stack)
        return msgspec.structs.replace(self._failed(problem("worker_lost", f"{detail}: {blocked.text}")), note=note)

    # The clocks.

    def _begin(self) -> None:
        """Count the attempt's time from now: it does not count while the handler waits for a thread or a process."""
        if self._guarded_calls is not None:
            self._guarded_calls.begin(self._ticket)
        if self._job.policy.timeout is not None and not self._started.unwinding:
            self._start_limit(self._job.policy.timeout, "timeout")

    def _start_limit(self, seconds: float, reason: str) -> None:
        self._limit_timers.append(self._loop.call_later(seconds, self.stop, reason))

    def _start_grace(self, seconds: float) -> None:
        if self._grace_timer is not None:
            self._grace_timer.cancel()
        self._grace_timer = self._loop.call_later(seconds, self._wake)

    def _stop_clocks(self) -> None:
        for timer in self._limit_timers:
            timer.cancel()
        if self._grace_timer is not None:
            self._grace_timer.cancel()

    def _wake(self, _: object = None) -> None:
        if not self._wakeup.done():
            self._wakeup.set_result(None)
