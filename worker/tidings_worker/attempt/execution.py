"""The execution of one attempt: from the start of its handler to its outcome."""

import asyncio
import random

import msgspec

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import CallResult, failure_text
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.errors import StoppedError
from tidings.protocol.problems import Problem, problem
from tidings.protocol.states import State
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.errors import ProcessEndedError, breaker_result_of, checked_circuit_error
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.runner import HandlerCall, Raised, Returned, Run, Runners, handler_outcome
from tidings_worker.saga.compensation import CompensationRun, Compensator

from .attempt_deadlines import Deadlines
from .attempt_state import AttemptState
from .blocked_loop import BLOCKED_LOOP_MEMO, read_blocked_loop
from .handler_sink import HandlerSink
from .lifecycle import Lifecycle
from .started_job import StartedJob

REBUILD_S = 60.0
"""How long the handler of a saga that unwinds may take to say how its steps are undone, if it has no time limit."""

_PLAIN_OUTCOMES = {
    StopReason.CANCEL: outcomes.cancelled,
    StopReason.EXPIRED: outcomes.expired,
    StopReason.HAND_BACK: outcomes.handed_back,
}
"""Outcomes that depend on nothing but the reason."""

_STOP_ERRORS = (asyncio.CancelledError, StoppedError, ProcessEndedError)
"""Errors of a handler that obeyed when it was asked to stop, or was killed: they say nothing about its work."""


class Execution:
    """Runs the handler of one attempt until it ends or has to stop, and decides the outcome."""

    __slots__ = (
        "_breakers",
        "_deadlines",
        "_job",
        "_lifecycle",
        "_loop",
        "_max_result_bytes",
        "_sink",
        "_started",
        "_started_job",
        "_ticket",
        "error",
    )

    def __init__(
        self,
        started_job: StartedJob,
        sink: HandlerSink,
        lifecycle: Lifecycle,
        breakers: QueueBreakers,
        loop: asyncio.AbstractEventLoop,
        max_result_bytes: int,
    ) -> None:
        """Prepare.

        Args:
            started_job: what the attempt is about.
            sink: for the handler's context.
            lifecycle: says when the attempt has to stop.
            breakers: those of the queue.
            loop: the running event loop.
            max_result_bytes: size of a result as JSON.

        """
        self._started_job = started_job
        self._job, self._started = started_job.job, started_job.started
        self._sink = sink
        self._lifecycle = lifecycle
        self._breakers = breakers
        self._loop = loop
        self._max_result_bytes = max_result_bytes
        self._deadlines = Deadlines(lifecycle, loop, started_job.job.policy.cancel_grace)
        self._ticket = ""
        """The handler's own ticket, where its kind has a breaker: the whole attempt then counts as one call."""
        self.error: BaseException | None = None
        """What the handler raised."""

    @property
    def grace_s(self) -> float:
        """How long a handler that was asked to stop may clean up, s."""
        return self._deadlines.grace_s

    def close(self) -> None:
        """End the calls that the handler has left open, and cancel every timer."""
        self._sink.end_calls()
        self._deadlines.cancel()

    def shorten_grace(self, seconds: float) -> None:
        """Give the handler no more than some seconds to clean up."""
        self._deadlines.shorten_grace(seconds)

    async def outcome(self, runners: Runners) -> AttemptOutcome | None:
        """Run the handler, and return how the attempt ends; None: another attempt has the job, so nothing is reported.

        The handler may still run after this, if it did not stop within its grace and cannot be killed.
        """
        if self._started.lost >= self._job.policy.max_deliveries:
            return await self._worn_out()
        if self._lifecycle.must_stop():
            return self._stopped()
        if self._started.unwinding:
            return await self._unwind(runners)
        breaker = self._job.policy.breaker
        kept_out = None if breaker is None else await self._ask_breaker(breaker)
        if kept_out is not None or self._lifecycle.must_stop():
            return kept_out or self._stopped()
        run = self._start(runners, AttemptState.RUNNING)
        await self._lifecycle.wakeup
        # A handler that ended before any reason came has the outcome that it gave itself.
        if not self._lifecycle.must_stop():
            return self._outcome_of(run)
        await self._end(run)
        return self._stopped()

    # The handler.

    def _start(self, runners: Runners, state: AttemptState) -> Run:
        if self._started.remaining_ms > 0:
            self._deadlines.limit(self._started.remaining_ms / 1000, StopReason.EXPIRED)
        call = HandlerCall(
            self._job,
            self._started_job.envelope.input,
            self._started_job.envelope.version,
            self._sink,
            self._begin,
            self._lifecycle.wake,
            self._max_result_bytes,
            self._loop,
        )
        run = runners.start(call)
        self._lifecycle.follow(run, state)
        return run

    def _begin(self) -> None:
        """Count the attempt's time from now: it does not count while the handler waits for a thread or a process."""
        self._sink.begin_call(self._ticket)
        # What undoes a saga has the time limits of its steps, and none of its own: the saga would stay half undone.
        if self._job.policy.timeout is not None and not self._started.unwinding:
            self._deadlines.limit(self._job.policy.timeout, StopReason.TIMEOUT)

    async def _end(self, run: Run) -> None:
        """Have the handler end, if that can be had within its grace; keep what it raises meanwhile, for the log."""
        await self._deadlines.end(run)
        ending = handler_outcome(run) if run.ended.done() else None
        if isinstance(ending, Raised) and not isinstance(ending.error, _STOP_ERRORS):
            self.error = ending.error

    def _outcome_of(self, run: Run) -> AttemptOutcome:
        match handler_outcome(run):
            case Returned(result):
                if self._ticket:
                    self._sink.leave(self._ticket, CallResult.OK, "")
                return outcomes.succeeded(result)
            case Raised(error):
                self.error = error
                breaker = self._job.policy.breaker
                if self._ticket and breaker is not None:
                    self._sink.leave(self._ticket, breaker_result_of(breaker, error), failure_text(error))
                if isinstance(error, CircuitOpenError):
                    return self._breaker_open(error)
                return outcomes.raised(self._job, self._started.attempt, error, _draw(), self._started.lost)

    # The breaker of the kind.

    async def _ask_breaker(self, breaker: Breaker) -> AttemptOutcome | None:
        """Ask the kind's breaker; return how the attempt ends if its handler may not begin."""
        try:
            self._ticket = await self._sink.enter(self._breakers.definition_of(breaker))
        except CircuitOpenError as error:
            return self._breaker_open(error)
        except StoppedError:
            return None  # a reason to stop has come, and decides
        return None

    def _breaker_open(self, error: CircuitOpenError) -> AttemptOutcome:
        circuit = checked_circuit_error(error)
        if circuit.when_open == "fail":
            return outcomes.refused_by_breaker(circuit.breaker, circuit.retry_after)
        return outcomes.parked_for_breaker(self._started.attempt, circuit.breaker, self._breakers.wait(circuit))

    # A saga that unwinds.

    async def _unwind(self, runners: Runners) -> AttemptOutcome | None:
        """Undo what the saga has done: have its handler say how, then do it."""
        await self._rebuild(runners)
        if self._lifecycle.must_stop():
            return self._stopped()
        saga, lifecycle = self._sink.saga, self._lifecycle
        saga.waits.restart(lambda: lifecycle.stop(StopReason.WAITING))
        undoing = CompensationRun(Compensator(saga).run(), self._sink.token)
        lifecycle.follow(undoing, AttemptState.COMPENSATING)
        # Wakeups that were meant for the rebuilding may still come.
        while not undoing.ended.done() and not lifecycle.must_stop():
            lifecycle.expect_wakeup()
            await lifecycle.wakeup
        if not lifecycle.must_stop():
            return _outcome_of_compensation(undoing)
        await self._end(undoing)
        return self._stopped()

    async def _rebuild(self, runners: Runners) -> None:
        """Run the handler until every step has said how it is undone; steps that the journal has are not done again.

        A handler that does not get so far in its time is stopped, and what can be undone is undone.
        """
        saga, lifecycle = self._sink.saga, self._lifecycle
        try:
            journal = await saga.journal_client.load()
        except StoppedError:
            return
        wanted = {row.path for row in journal.to_undo() if not row.head.undo_kind}
        # Child jobs undo some steps: the journal itself says how.
        if not wanted or lifecycle.must_stop():
            return

        def on_undo() -> None:
            if wanted <= saga.undos.keys():
                lifecycle.wake()

        saga.on_undo = on_undo
        saga.waits.on_idle = lifecycle.wake
        run = self._start(runners, AttemptState.REBUILDING)
        self._deadlines.wake_after(self._job.policy.timeout or REBUILD_S)
        await lifecycle.wakeup
        saga.end_rebuilding()
        await self._end(run)
        self._deadlines.cancel_wakeup()

    # An attempt that did not end by itself.

    def _stopped(self) -> AttemptOutcome | None:
        """Return the outcome that the reason to stop decides; None: another attempt has the job."""
        match self._lifecycle.reason:
            case StopReason.CANCEL | StopReason.EXPIRED | StopReason.HAND_BACK as reason:
                return _PLAIN_OUTCOMES[reason]()
            case StopReason.TIMEOUT:
                limit = self._job.policy.timeout or 0.0
                return outcomes.timed_out(self._job, self._started.attempt, limit, _draw(), self._started.lost)
            case StopReason.WAITING:
                return self._sink.saga.waits.waiting_outcome()
            case StopReason.REFUSED:
                assert self._lifecycle.refusal is not None
                return self._sink.hold(self._lifecycle.refusal) or self._failed(self._lifecycle.refusal)
            case StopReason.LOST | None:
                return None

    def _failed(self, refused: Problem) -> AttemptOutcome:
        """Return how a job fails for good. A saga that unwinds still owes the steps that it could not undo."""
        if self._started.unwinding:
            return outcomes.unwound(State.FAILED, refused, compensation="incomplete")
        return outcomes.failed(refused)

    async def _worn_out(self) -> AttemptOutcome | None:
        """Return how a job fails that too many workers were lost with; say why, if one of them has recorded that."""
        detail = f"{self._started.lost} workers were lost while they ran this; it is not tried again"
        try:
            blocked = read_blocked_loop(await self._sink.recall(BLOCKED_LOOP_MEMO))
        except StoppedError:
            return self._stopped()
        if blocked is None:
            return self._failed(problem("worker_lost", detail))
        note = outcomes.dead_letter_note(blocked.text, blocked.stack)
        return msgspec.structs.replace(self._failed(problem("worker_lost", f"{detail}: {blocked.text}")), note=note)


def _outcome_of_compensation(undoing: CompensationRun) -> AttemptOutcome:
    if undoing.outcome is not None:
        return undoing.outcome
    ending = handler_outcome(undoing)
    assert isinstance(ending, Raised)
    raise ending.error


def _draw() -> float:
    """Return a random number in [0, 1), for the back-off."""
    return random.random()  # noqa: S311
