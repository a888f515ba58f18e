"""One attempt: a handler, its context, its limits, and how it ends."""

import asyncio
import inspect
import random
import types
from typing import Any

import msgspec
import structlog

from tidings.breaker.error import CircuitOpenError
from tidings.breaker.guard import text_of
from tidings.breaker.policy import Breaker
from tidings.broker.error import BrokerClosedError, ItemError, ScriptError, StoreError
from tidings.broker.worker import Beat, Entry, Outcome, Started, WorkerStore
from tidings.context import Sink
from tidings.contract.envelope import Envelope
from tidings.contract.problem import Problem, problem
from tidings.contract.state import State
from tidings.contract.token import Token
from tidings.contract.trace import trace_id_of
from tidings.job import Job
from tidings.log import SUBJECT, talkative
from tidings.outcome import Reject, Retry, StoppedError
from tidings.saga.branch import Activity
from tidings.saga.error import SagaUseError, StepError
from tidings.trace import Span, Tracing

from . import fork, verdict
from .blocked import MEMO, read_blocked
from .breaker import Passages
from .failure import FinalError, ProcessEndedError, circuit_of, says_of, trace_of
from .gate import Gate
from .runner import Raised, Returned, Run, Runners, Work, ending_of
from .saga import Means, Saga
from .settings import WorkerSettings
from .trace import begin_process, begins, end_process
from .unwind import Undoing, Unwinder
from .voice import Voice

log = structlog.get_logger()

REBUILD_S = 60.0
"""How long the handler of a saga that unwinds may take to say how its steps are undone, if it has no time limit."""

KILL_S = 5.0
"""How long a handler that was killed may take to be gone."""


_OBEYED = (asyncio.CancelledError, StoppedError, ProcessEndedError)
"""How a handler ends that does as it is told, or was killed."""


_WISHES = ("cancel", "expired")
"""Why a job stops because somebody wishes it; a saga that undoes its work does not."""


_EXPECTED = (Reject, Retry, CircuitOpenError, FinalError, StepError)
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
        store: WorkerStore,
        settings: WorkerSettings,
        job: Job[Any, Any],
        entry: Entry,
        envelope: Envelope,
        started: Started,
        gate: Gate,
        means: Means | None = None,
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
        self.beat = Beat(entry.id, started.fence, entry.tier, entry.entry)
        """What the heartbeat says of it."""
        self._id = entry.id
        self._store = store
        self._settings = settings
        self._job = job
        self._envelope = envelope
        self._means = means
        self._saga: Saga | None = None
        self._refused: Problem | None = None
        self._started = started
        self._gate = gate
        self._passages: Passages | None = None
        """Its calls of services behind breakers, if there are any."""
        self._ticket = ""
        """That of the handler itself, if its kind has a breaker."""
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        """When, by the loop's clock."""
        self._voice = Voice(store, entry.id, started.fence, settings.progress_per_s, self.stop, self._loop)
        self._span: Span | None = None
        """If somebody traces it."""
        self._run: Run | None = None
        self._reason = ""
        self._grace = job.policy.cancel_grace
        self._error: BaseException | None = None
        self._turn: asyncio.Future[None] = self._loop.create_future()
        self.verdict = ""
        """How it ended, once it has: an event's name, or `held`, `unwinding` or `handed_back`; empty: it was lost."""
        self._memos: dict[str, str] = {}
        """What this attempt has recorded itself."""
        self._limits: list[asyncio.TimerHandle] = []
        self._patience: asyncio.TimerHandle | None = None

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
        self._voice.progress(data)

    def log(self, chunk: str) -> None:
        """Take a log chunk."""
        fork.end_if_copy()
        self._voice.log(chunk)

    async def room(self) -> None:
        """Return when there is room for more log chunks."""
        await self._voice.room()

    async def recall(self, name: str) -> str:
        """Return what is recorded under a name."""
        if name in self._memos:
            return self._memos[name]
        # Under the first fence nobody can have recorded anything before.
        return "" if self._started.fence == 1 else await self._remember(name, "")

    async def record(self, name: str, value: str) -> str:
        """Record something under a name."""
        self._memos[name] = await self._remember(name, value)
        return self._memos[name]

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant."""
        return self._gate.meant(breaker)

    async def enter(self, breaker: Breaker) -> str:
        """Return a ticket for a call, if its breaker lets it through."""
        fork.end_if_copy()
        if self.cancelled:
            raise StoppedError("the attempt is over: nothing more is called for it")
        if self._passages is None:
            self._passages = self._gate.passages(self.kind)
        return await self._passages.enter(breaker)

    def leave(self, ticket: str, result: str, text: str) -> None:
        """Take note of how a call ended."""
        fork.end_if_copy()
        if self._passages is not None:
            self._passages.leave(ticket, result, text, timed_out=self._reason == "timeout")

    async def _remember(self, name: str, value: str) -> str:
        """Ask the store until it answers, or the attempt is over."""
        fork.end_if_copy()
        refused = False
        while not self.cancelled:
            try:
                memo = await self._store.once(self._id, self._started.fence, name, value, apart=refused)
            except BrokerClosedError:
                break
            except StoreError as error:
                if refused and isinstance(error, ItemError):  # it was asked alone: to ask again would not help
                    self.refuse(verdict.unreadable())
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
            if self._means is None:
                raise SagaUseError("this worker cannot take steps")
            unwinding = self._started.unwinding
            self._saga = Saga(self, self, self._means, self._job, self._envelope, unwinding=unwinding)
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
            self._saga.keeper.look()

    @property
    def ended_ms(self) -> int:
        """The store's time when it took the outcome; 0: it has not."""
        return self._voice.ended_ms

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
        if self._started.unwinding and reason in _WISHES:
            return
        if reason == "lost":
            self._voice.lost()
        if not self._reason and not (self._run is not None and self._run.ended.done()):
            self._reason = reason
            self.cancelled = True
            self._wake()

    def hand_back(self, grace: float) -> None:
        """Stop the handler because this worker leaves; it has no more than `grace` seconds to clean up."""
        self._grace = min(self._grace, grace)
        self.stop("hand_back")
        if self._patience is not None:
            self._allow(self._grace)

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
        SUBJECT.set((self.token, self.kind, self.attempt, self.correlation_id, self.traceparent))
        tracing = None if self._means is None else self._means.tracing
        try:
            if tracing is None or not begins(tracing, self._job, self.traceparent):
                await self._perform(runners)
            else:
                await self._trace(tracing, runners)
        finally:
            self._let_go()

    async def _trace(self, tracing: Tracing, runners: Runners) -> None:
        """Run it in a span, which is what the handler's own calls and children stand below."""
        span = begin_process(tracing, self, self._store.partition, self._envelope, unwinding=self._started.unwinding)
        if span is None:
            await self._perform(runners)
            return
        self.traceparent, self._span = span.traceparent, span
        SUBJECT.set((self.token, self.kind, self.attempt, self.correlation_id, self.traceparent))
        try:
            with tracing.within(span):
                await self._perform(runners)
        finally:
            span.end()

    def _let_go(self) -> None:
        """Cut what leads back here: thousands end every second, and the collector would have to find each of them."""
        self._voice.let_go()
        if self._saga is not None:
            self._saga.close()
            self._saga = None
        if not self.handler_runs:
            self._run = None

    async def _perform(self, runners: Runners) -> None:
        try:
            outcome = await self._outcome(runners)
        finally:
            if self._passages is not None:
                self._passages.end(timed_out=self._reason == "timeout")
        self._stop_clocks()
        self.cancelled = True  # a handler that was left behind must find out
        if self.handler_runs:
            log.error("handler_abandoned", reason=self._reason, grace_s=self._grace)
        if self._span is not None:
            end_process(self._span, outcome, self._error)
        if outcome is None:
            self._voice.fall_silent()
            log.warning("attempt_lost")
            return
        if self.traceparent and outcome.field == "problem":
            outcome = verdict.traced(outcome, trace_id_of(self.traceparent))
        answer = await self._voice.end(outcome)
        self.verdict = verdict.label(outcome, answer)
        if outcome.held:
            self._gate.held(outcome.held)
        if answer == "lost":
            log.warning("outcome_refused", state=outcome.state)
        elif self._error is not None and not isinstance(self._error, _EXPECTED):
            log.warning("attempt_failed", state=outcome.state, exception=trace_of(self._error))
        elif talkative():
            log.debug("attempt_ended", state=outcome.state)

    async def _outcome(self, runners: Runners) -> Outcome | None:
        if self._started.lost >= self._job.policy.max_deliveries:
            return await self._worn_out()
        if self._must_stop():
            return self._stopped()
        if self._started.unwinding:
            return await self._unwind(runners)
        breaker = self._job.policy.breaker
        kept_out = None if breaker is None else await self._kept_out(breaker)
        if kept_out is not None or self._must_stop():
            return kept_out or self._stopped()
        run = self._start(runners)
        await self._turn
        if not self._must_stop():
            return self._judge(run)
        await self._end(run)
        return self._stopped()

    async def _kept_out(self, breaker: Breaker) -> Outcome | None:
        """Ask the kind's breaker; return how the attempt ends if it may not begin."""
        try:
            self._ticket = await self.enter(self._gate.meant(breaker))
        except CircuitOpenError as error:
            return self._held(error)
        except StoppedError:
            return None
        return None

    def _held(self, error: CircuitOpenError) -> Outcome:
        circuit = circuit_of(error)
        if circuit.when_open == "fail":
            return verdict.kept_out(circuit.breaker, circuit.retry_after)
        return verdict.held(self.attempt, circuit.breaker, self._gate.wait(circuit))

    async def _unwind(self, runners: Runners) -> Outcome | None:
        """Undo what the saga has done: have its handler say how, then do it."""
        await self._rebuild(runners)
        saga = self.saga
        if not self._must_stop():
            saga.keeper.activity = Activity()
            saga.keeper.on_idle = lambda: self.stop("waiting")
            undoing = self._run = Undoing(Unwinder(saga).run(), self.token)
            undoing.ended.add_done_callback(self._wake)
            while not undoing.ended.done() and not self._must_stop():
                self._turn = self._loop.create_future()
                await self._turn
            if not self._must_stop():
                return self._unwound(undoing)
            await self._end(undoing)
        return self._stopped()

    def _unwound(self, undoing: Undoing) -> Outcome:
        if undoing.outcome is not None:
            return undoing.outcome
        ending = ending_of(undoing)
        assert isinstance(ending, Raised)
        raise ending.error

    async def _rebuild(self, runners: Runners) -> None:
        """Run the handler up to where every step has said how it is undone; what is in the journal is not done again.

        A handler that does not get there within its time is left alone: what can be undone is.
        """
        saga = self.saga
        try:
            journal = await saga.keeper.load()
        except StoppedError:
            return
        wanted = {row.path for row in journal.to_undo() if not row.head.undo_kind}
        if not wanted:
            return

        def known() -> None:
            if wanted <= saga.undos.keys():
                self._wake()

        saga.on_undo = known
        saga.keeper.on_idle = self._wake
        run = self._start(runners)
        self._allow(self._job.policy.timeout or REBUILD_S)
        await self._turn
        saga.rebuilt = True
        await self._end(run)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _must_stop(self) -> bool:
        return bool(self._reason)

    def _start(self, runners: Runners) -> Run:
        if self._started.remaining_ms > 0:
            self._limit(self._started.remaining_ms / 1000, "expired")
        work = Work(
            self._job, self._envelope.input, self, self._begin, self._wake, self._settings.max_result_bytes, self._loop
        )
        self._run = runners.start(work)
        self._run.ended.add_done_callback(self._wake)
        return self._run

    def _judge(self, run: Run) -> Outcome:
        match ending_of(run):
            case Returned(result):
                if self._ticket:
                    self.leave(self._ticket, "ok", "")
                return verdict.succeeded(result)
            case Raised(error):
                self._error = error
                if self._ticket and self._job.policy.breaker is not None:
                    self.leave(self._ticket, says_of(self._job.policy.breaker, error), text_of(error))
                if isinstance(error, CircuitOpenError):
                    return self._held(error)
                return verdict.raised(self._job, self.attempt, error, random.random(), self._started.lost)  # noqa: S311

    async def _end(self, run: Run) -> None:
        """Have the handler end, if it can be had within its grace."""
        run.stop()
        await self._ended_within(self._grace)
        if not run.ended.done() and run.kill():
            await self._ended_within(KILL_S)
        ending = ending_of(run) if run.ended.done() else None
        if isinstance(ending, Raised) and not isinstance(ending.error, _OBEYED):
            self._error = ending.error

    async def _ended_within(self, seconds: float) -> None:
        self._turn = self._loop.create_future()
        if not self.handler_runs:
            return
        self._allow(seconds)
        await self._turn

    def _stopped(self) -> Outcome | None:
        match self._reason:
            case "cancel":
                return verdict.cancelled()
            case "hand_back":
                return verdict.handed_back()
            case "expired":
                return verdict.expired()
            case "timeout":
                limit = self._job.policy.timeout or 0.0
                return verdict.timed_out(self._job, self.attempt, limit, random.random(), self._started.lost)  # noqa: S311
            case "waiting":
                return self.saga.keeper.parting()
            case _:
                return self._failed(self._refused) if self._refused is not None else None

    def _failed(self, refused: Problem) -> Outcome:
        """Return how a job ends that is not tried again. A saga that unwinds still owes what it could not undo."""
        if self._started.unwinding:
            return verdict.unwound(State.FAILED, refused, compensation="incomplete")
        return verdict.failed(refused)

    async def _worn_out(self) -> Outcome | None:
        """Return how a job ends that workers were lost with; why, if one of them has left word of that."""
        detail = f"{self._started.lost} workers were lost while they ran this; it is not tried again"
        try:
            blocked = read_blocked(await self.recall(MEMO))
        except StoppedError:
            return self._stopped()
        if blocked is None:
            return self._failed(problem("worker_lost", detail))
        note = verdict.note_of(blocked.text, blocked.stack)
        return msgspec.structs.replace(self._failed(problem("worker_lost", f"{detail}: {blocked.text}")), note=note)

    # The clocks.

    def _begin(self) -> None:
        """Count the attempt's time from now: it does not count while the handler waits for a thread or a process."""
        if self._passages is not None:
            self._passages.begin(self._ticket)
        if self._job.policy.timeout is not None and not self._started.unwinding:
            self._limit(self._job.policy.timeout, "timeout")

    def _limit(self, seconds: float, reason: str) -> None:
        self._limits.append(self._loop.call_later(seconds, self.stop, reason))

    def _allow(self, seconds: float) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self._loop.call_later(seconds, self._wake)

    def _stop_clocks(self) -> None:
        for timer in self._limits:
            timer.cancel()
        if self._patience is not None:
            self._patience.cancel()

    def _wake(self, _: object = None) -> None:
        if not self._turn.done():
            self._turn.set_result(None)
