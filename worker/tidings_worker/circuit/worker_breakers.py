"""The breakers of one worker: their states as far as it knows them, the calls it lets through, and its reports."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import anyio
import structlog

from tidings.circuit.breaker import Breaker, definition_among, definitions_of
from tidings.circuit.breaker_views import BreakerViews, KnownBreaker
from tidings.circuit.call_guard import CallResult
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.circuit.retry_spacing import OPERATOR_RETRY_S, RetrySpacing
from tidings.declare.job import Job
from tidings.store.answers import BreakerAnswer
from tidings.store.availability.store_errors import StoreClosedError, StoreError
from tidings.store.breaker_store import (
    BreakerChange,
    BreakerStore,
    CallReport,
    OperationReply,
    read_view,
)

log = structlog.get_logger()

REFRESH_S = 5.0
"""The worker asks for the states of its breakers this often: it may have missed announcements."""

UNUSED_FOR_S = 600.0
"""The worker stops asking for a breaker that it has not used for so long."""

REPORT_WITHIN_S = 0.1
"""How long the worker collects successful calls before it reports them; a failed call makes it report at once."""

UNKNOWN_RETRY_S = 1.0
"""When another try makes sense if the worker cannot know: the store is away, or a trial has just ended without one."""


FailureNotes = tuple[tuple[str, str, str], ...]
"""Kind, worker and text of each failure, for people."""


class AdmittedCall:
    """One call that a breaker let through."""

    __slots__ = ("began", "breaker", "epoch", "trial")

    def __init__(self, breaker: Breaker, epoch: int, trial: str, began: float) -> None:
        self.breaker = breaker
        self.epoch = epoch
        """The breaker's when it let the call through."""
        self.trial = trial
        """Its id, if it is the trial; else empty."""
        self.began = began
        """When, s by the worker's clock."""


class CallTally:
    """Calls that the worker will report together."""

    __slots__ = ("breaker", "calls", "epoch", "failures", "notes", "slow", "timer")

    def __init__(self, breaker: Breaker, epoch: int, timer: asyncio.TimerHandle) -> None:
        self.breaker = breaker
        self.epoch = epoch
        self.timer = timer
        """Reports them, if a failed call does not do so before."""
        self.calls = 0
        self.failures = 0
        self.slow = 0
        self.notes: list[tuple[str, str, str]] = []


class WorkerBreakers:
    """The breakers of one worker process; all its queues share them."""

    def __init__(
        self,
        store: BreakerStore,
        jobs: Collection[Job[Any, Any]],
        worker: str,
        lease_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            store: holds the breakers.
            jobs: the kinds that the worker serves, with the breakers that they define.
            worker: this worker's id.
            lease_s: seconds after which another worker may take over a trial that its worker does not renew.
            clock: seconds, never going back.

        """
        self.worker = worker
        self.clock = clock
        self._store = store
        self._defined = definitions_of(job.policy.breaker for job in jobs)
        self._lease_ms = int(lease_s * 1000)
        self._views = BreakerViews(clock)
        self._retry_spacings: dict[str, RetrySpacing] = {}
        self._tallies: dict[str, CallTally] = {}
        self._of_kinds = frozenset(job.policy.breaker.name for job in jobs if job.policy.breaker is not None)
        self._used = dict.fromkeys(self._of_kinds, clock())
        """When the worker last used each breaker; it keeps asking for those that stand here."""
        self._asking: dict[str, asyncio.Future[OperationReply]] = {}
        self._trials: dict[str, Breaker] = {}
        self._numbers = itertools.count(1)
        self._stale = asyncio.Event()
        self._stale.set()
        self._listeners: list[Callable[[str], None]] = []

    def definition_of(self, breaker: str | Breaker) -> Breaker:
        """Return a breaker; for one with nothing but a name, the definition that the worker has under it."""
        return definition_among(self._defined, breaker)

    # Calls.

    async def enter(self, breaker: Breaker) -> AdmittedCall:
        """Let a call through.

        Raises:
            CircuitOpenError: the breaker is open.

        """
        name = breaker.name
        self._used[name] = self.clock()
        known = self._views[name] or await self._look(name)
        if known is None or known.closed:  # without the store the worker knows no state, and lets calls through
            return AdmittedCall(breaker, known.epoch if known else 0, "", self.clock())
        if self._views.wait(name) > 0:
            raise self._open_error(breaker)
        return await self._ask_for_trial(breaker)

    def leave(self, one: AdmittedCall, result: CallResult, kind: str, text: str) -> None:
        """Count how a call ended; the breaker keeps the kind and the text of a failure for people."""
        breaker = one.breaker
        slow = breaker.slow_call is not None and self.clock() - one.began >= breaker.slow_call
        notes = ((kind, self.worker, text),) if result is CallResult.FAILURES else ()
        if one.trial:
            self._trials.pop(one.trial, None)
            how = CallResult.SLOW if slow and result is CallResult.OK else result
            self._conclude(one, how, notes, self.clock() + self._lease_ms / 1000)
        elif result is not CallResult.VOID:
            self._count(one, result is CallResult.FAILURES, slow, notes)

    def wait(self, name: str, retry_after: float) -> float:
        """Return the seconds after which a job that the breaker refused tries again; each job gets its own time."""
        known = self._views[name]
        spacing = self._retry_spacings.setdefault(name, RetrySpacing())
        wait = max(self._views.wait(name), min(retry_after, UNKNOWN_RETRY_S))
        return spacing.next_delay(self.clock(), wait, known.epoch if known else 0, random.random())  # noqa: S311

    # What the store announces.

    def take_announcement(self, data: bytes) -> None:
        """Take an announcement of the store."""
        view = read_view(data)
        # The worker keeps no breaker that it does not use: there may be many.
        if view.name in self._used and self._views.take(view):
            self._notify(view.name)

    def reopened(self) -> None:
        """Ask for all states: the subscription was interrupted, and may have missed announcements."""
        self._stale.set()

    def epoch_if_closed(self, name: str) -> int | None:
        """Return the epoch of a breaker that is closed; None: it is not, or the worker does not know it."""
        known = self._views[name]
        return known.epoch if known is not None and known.closed else None

    @property
    def of_kinds(self) -> frozenset[str]:
        """The breakers of the kinds that the worker serves."""
        return self._of_kinds

    @property
    def on_trial(self) -> bool:
        """Whether a call of this worker is the trial of a breaker: it has a lease, which the worker renews."""
        return bool(self._trials)

    def watch(self, listener: Callable[[str], None]) -> None:
        """Call a listener with the name of each breaker that changes its state."""
        self._listeners.append(listener)

    async def run(self, heartbeat_s: float) -> None:
        """Refresh the known states, and renew the leases of trials, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._refresh, name="refresh breakers")
            tasks.start_soon(self._renew, heartbeat_s, name="renew trials")

    # Private.

    def _open_error(self, breaker: Breaker, least: float = 0.0) -> CircuitOpenError:
        wait = self._views.wait(breaker.name)
        return CircuitOpenError(breaker.name, max(min(wait, OPERATOR_RETRY_S), least), breaker.when_open)

    async def _look(self, name: str) -> KnownBreaker | None:
        """Ask the store for a breaker that the worker does not know; None: the store does not answer."""
        asked = self._views.revision
        try:
            self._take(await self._store.look(name), asked)
        except StoreError:
            return None
        return self._views[name]

    async def _ask_for_trial(self, breaker: Breaker) -> AdmittedCall:
        """Ask for a call, which may become the trial; the worker asks for one call of a breaker at a time."""
        name = breaker.name
        under_way = self._asking.get(name)
        if under_way is not None:
            await asyncio.wait({under_way})
            known = self._views[name]
            if known is not None and known.closed:
                return AdmittedCall(breaker, known.epoch, "", self.clock())
            raise self._open_error(breaker, UNKNOWN_RETRY_S)
        trial = f"{self.worker}:{next(self._numbers)}"
        asked = self._views.revision
        answer = self._asking[name] = self._store.enter(name, trial, self._lease_ms)
        try:
            stepped = await answer
        except StoreError:
            raise self._open_error(breaker, UNKNOWN_RETRY_S) from None
        finally:
            del self._asking[name]
        self._take(stepped, asked)
        if stepped.answer is BreakerAnswer.REFUSED:
            raise self._open_error(breaker)
        if stepped.answer is BreakerAnswer.TRIAL:
            self._trials[trial] = breaker
            return AdmittedCall(breaker, stepped.view.epoch, trial, self.clock())
        return AdmittedCall(breaker, stepped.view.epoch, "", self.clock())

    def _count(self, one: AdmittedCall, failed: bool, slow: bool, notes: FailureNotes) -> None:
        """Count a call: a success waits a little for others, a failure or a slow call is reported at once."""
        name = one.breaker.name
        tally = self._tallies.get(name)
        if tally is not None and (tally.epoch != one.epoch or tally.breaker is not one.breaker):
            self._report(name)
            tally = None
        if tally is None:
            timer = asyncio.get_running_loop().call_later(REPORT_WITHIN_S, self._report, name)
            tally = self._tallies[name] = CallTally(one.breaker, one.epoch, timer)
        tally.calls += 1
        tally.failures += failed
        tally.slow += slow
        tally.notes.extend(notes)
        if failed or slow:
            self._report(name)

    def _report(self, name: str) -> None:
        tally = self._tallies.pop(name)
        tally.timer.cancel()
        counts = (tally.calls, tally.failures, tally.slow)
        self._take_when_done(
            self._store.report(CallReport(name, tally.breaker.spec, tally.epoch, *counts, tuple(tally.notes)))
        )

    def _conclude(self, one: AdmittedCall, how: CallResult, notes: FailureNotes, give_up: float) -> None:
        """Write the end of a trial; ask the store again until it answers, while the lease lasts."""
        asked = self._views.revision
        answer = self._store.leave(one.breaker.name, one.breaker.spec, one.trial, how, notes)

        def done(answer: "asyncio.Future[OperationReply]") -> None:
            if answer.cancelled():
                return
            error = answer.exception()
            if error is None:
                self._take(answer.result(), asked)
            elif not isinstance(error, StoreClosedError) and self.clock() < give_up:
                self._conclude(one, how, notes, give_up)  # the batcher pauses while the store is away

        answer.add_done_callback(done)

    def _take_when_done(self, answer: "asyncio.Future[OperationReply]") -> None:
        asked = self._views.revision

        def done(answer: "asyncio.Future[OperationReply]") -> None:
            # A report that failed is not sent again: while the store was away, the breaker saw no other calls either.
            if not answer.cancelled() and answer.exception() is None:
                self._take(answer.result(), asked)

        answer.add_done_callback(done)

    def _take(self, stepped: OperationReply, asked: int) -> None:
        if self._views.take(stepped.view, asked):
            self._notify(stepped.view.name)

    def _notify(self, name: str) -> None:
        for listener in self._listeners:
            listener(name)

    async def _refresh(self) -> None:
        while True:
            with anyio.move_on_after(REFRESH_S):
                await self._stale.wait()
            self._stale.clear()
            now = self.clock()
            for name, used in list(self._used.items()):
                if now - used > UNUSED_FOR_S and name not in self._of_kinds and self.epoch_if_closed(name) is not None:
                    self._forget(name)
            answers = [self._store.look(name) for name in self._used]
            for answer in answers:
                self._take_when_done(answer)
            if answers:
                await asyncio.wait(answers)

    def _forget(self, name: str) -> None:
        self._views.forget(name)
        del self._used[name]
        self._retry_spacings.pop(name, None)

    async def _renew(self, heartbeat_s: float) -> None:
        while True:
            await anyio.sleep(heartbeat_s)
            for trial, breaker in list(self._trials.items()):
                answer = self._store.renew(breaker.name, trial, self._lease_ms)
                self._take_when_done(answer)
                answer.add_done_callback(partial(self._renewed, trial))

    def _renewed(self, trial: str, answer: "asyncio.Future[OperationReply]") -> None:
        if not answer.cancelled() and answer.exception() is None and answer.result().answer is BreakerAnswer.STALE:
            self._trials.pop(trial, None)  # another call is the trial by now, or the breaker has changed its state


def log_change(change: BreakerChange) -> None:
    """Log that a report of this process has changed the state of a breaker."""
    tell = log.warning if change.state == "open" else log.info
    tell(
        f"breaker_{change.state}",
        breaker=change.name,
        before=str(change.before),
        reason=change.reason,
        calls=change.calls,
        failures=change.failures,
        slow=change.slow,
    )
