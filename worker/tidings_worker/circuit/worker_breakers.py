"""The breakers as a worker has them: what it knows of their states, calls let through, and jobs that wait."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import anyio
import structlog

from tidings.circuit.breaker import Breaker, breaker_of, definitions_of
from tidings.circuit.breaker_views import BreakerViews, KnownBreaker
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.circuit.retry_spacing import OPERATOR_RETRY_S, RetrySpacing
from tidings.job import Job
from tidings.store.availability.store_errors import StoreClosedError, StoreError
from tidings.store.breaker_store import BreakerChange, BreakerStore, CallReport, OperationReply, read_view

log = structlog.get_logger()

REFRESH_S = 5.0
"""What is known of breakers is asked for anew so often: announcements may have been missed."""

UNUSED_FOR_S = 600.0
"""A breaker that nothing here has used for so long is not asked for any more."""

REPORT_WITHIN_S = 0.1
"""How long calls that went well may wait to be reported together; one that did not takes them along at once."""

UNKNOWN_RETRY_S = 1.0
"""When another try makes sense, where nobody can say: the store is away, or a trial has just been given up."""


class AdmittedCall:
    """One call that was let through."""

    __slots__ = ("began", "breaker", "epoch", "trial")

    def __init__(self, breaker: Breaker, epoch: int, trial: str, began: float) -> None:
        self.breaker = breaker
        self.epoch = epoch
        """That of the breaker when the call was let through."""
        self.trial = trial
        """Its name, if it is the one that tries; else empty."""
        self.began = began
        """When, s by the worker's clock."""


class CallTally:
    """Calls that are to be reported together."""

    __slots__ = ("breaker", "calls", "epoch", "failures", "notes", "slow", "timer")

    def __init__(self, breaker: Breaker, epoch: int, timer: asyncio.TimerHandle) -> None:
        self.breaker = breaker
        self.epoch = epoch
        self.timer = timer
        """Reports it, if nothing else does before."""
        self.calls = 0
        self.failures = 0
        self.slow = 0
        self.notes: list[tuple[str, str, str]] = []


class WorkerBreakers:
    """The breakers of one worker process; all its queues share them."""

    def __init__(self, store: BreakerStore, jobs: Collection[Job[Any, Any]], worker: str, lease_s: float) -> None:
        """Prepare.

        Args:
            store: where the breakers are.
            jobs: what is served, for what is defined there.
            worker: this worker's id.
            lease_s: how long a trial is left to a worker that does not say it lives, s.

        """
        self.worker = worker
        self._store = store
        self._defined = definitions_of(job.policy.breaker for job in jobs)
        self._lease_ms = int(lease_s * 1000)
        self._views = BreakerViews(time.monotonic)
        self._retry_spacings: dict[str, RetrySpacing] = {}
        self._tallies: dict[str, CallTally] = {}
        self._of_kinds = frozenset(job.policy.breaker.name for job in jobs if job.policy.breaker is not None)
        self._used = dict.fromkeys(self._of_kinds, time.monotonic())
        """When each was last used; what stands here is kept known."""
        self._asking: dict[str, asyncio.Future[OperationReply]] = {}
        self._trials: dict[str, Breaker] = {}
        self._numbers = itertools.count(1)
        self._stale = asyncio.Event()
        self._stale.set()
        self._listeners: list[Callable[[str], None]] = []

    def definition_of(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant: where only its name is given, what is defined under it."""
        meant = breaker_of(breaker)
        return self._defined.get(meant.name, meant) if meant.is_name_only else meant

    # Calls.

    async def enter(self, breaker: Breaker) -> AdmittedCall:
        """Let a call through.

        Raises:
            CircuitOpenError: the breaker is open.

        """
        name = breaker.name
        self._used[name] = time.monotonic()
        known = self._views[name] or await self._look(name)
        if known is None or known.closed:  # without a store nobody knows, and nothing can be counted
            return AdmittedCall(breaker, known.epoch if known else 0, "", time.monotonic())
        if self._views.wait(name) > 0:
            raise self._open_error(breaker)
        return await self._ask_for_trial(breaker)

    def leave(self, one: AdmittedCall, result: str, kind: str, text: str) -> None:
        """Count how a call ended: `ok`, `failures` or `void`; what failed is told to people by `text`."""
        breaker = one.breaker
        slow = breaker.slow_call is not None and time.monotonic() - one.began >= breaker.slow_call
        notes = ((kind, self.worker, text),) if result == "failures" else ()
        if one.trial:
            self._trials.pop(one.trial, None)
            how = "slow" if slow and result == "ok" else result
            self._conclude(one, how, notes, time.monotonic() + self._lease_ms / 1000)
        elif result != "void":
            self._count(one, result == "failures", slow, notes)

    def wait(self, name: str, retry_after: float) -> float:
        """Return the seconds after which a job that may not call looks again; others have their own places."""
        known = self._views[name]
        line = self._retry_spacings.setdefault(name, RetrySpacing())
        wait = max(self._views.wait(name), min(retry_after, UNKNOWN_RETRY_S))
        return line.next_delay(time.monotonic(), wait, known.epoch if known else 0, random.random())  # noqa: S311

    # What others tell.

    def take_announcement(self, data: bytes) -> None:
        """Take in an announcement."""
        view = read_view(data)
        # Of breakers that nothing here uses one need not know.
        if view.name in self._used and self._views.take(view):
            self._notify(view.name)

    def reopened(self) -> None:
        """Announcements may have been missed: ask."""
        self._stale.set()

    def epoch_if_closed(self, name: str) -> int | None:
        """Return the epoch of a breaker that is closed; None: it is not, or is not known."""
        known = self._views[name]
        return known.epoch if known is not None and known.closed else None

    @property
    def of_kinds(self) -> frozenset[str]:
        """The breakers of the kinds that are served."""
        return self._of_kinds

    def watch(self, listener: Callable[[str], None]) -> None:
        """Have somebody told the name of each breaker that has come into another state."""
        self._listeners.append(listener)

    async def run(self, heartbeat_s: float) -> None:
        """Refresh what is known, and renew the leases of trials, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._refresh, name="refresh breakers")
            tasks.start_soon(self._renew, heartbeat_s, name="renew trials")

    # Private.

    def _open_error(self, breaker: Breaker, least: float = 0.0) -> CircuitOpenError:
        wait = self._views.wait(breaker.name)
        return CircuitOpenError(breaker.name, max(min(wait, OPERATOR_RETRY_S), least), breaker.when_open)

    async def _look(self, name: str) -> KnownBreaker | None:
        """Ask for what is not known; None: the store does not answer."""
        asked = self._views.revision
        try:
            self._take(await self._store.look(name), asked)
        except StoreError:
            return None
        return self._views[name]

    async def _ask_for_trial(self, breaker: Breaker) -> AdmittedCall:
        """Ask to be the one that tries; one question of this worker at a time."""
        name = breaker.name
        under_way = self._asking.get(name)
        if under_way is not None:
            await asyncio.wait({under_way})
            known = self._views[name]
            if known is not None and known.closed:
                return AdmittedCall(breaker, known.epoch, "", time.monotonic())
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
        if stepped.answer == "refused":
            raise self._open_error(breaker)
        if stepped.answer == "trial":
            self._trials[trial] = breaker
            return AdmittedCall(breaker, stepped.view.epoch, trial, time.monotonic())
        return AdmittedCall(breaker, stepped.view.epoch, "", time.monotonic())

    def _count(self, one: AdmittedCall, failed: bool, slow: bool, notes: tuple[tuple[str, str, str], ...]) -> None:
        """Count a call. That a service works may be told a little later, with others; that it does not, at once."""
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

    def _conclude(self, one: AdmittedCall, how: str, notes: tuple[tuple[str, str, str], ...], give_up: float) -> None:
        """Have the end of a trial written, however often the store must be asked while the lease lasts."""
        asked = self._views.revision
        answer = self._store.leave(one.breaker.name, one.breaker.spec, one.trial, how, notes)

        def done(answer: "asyncio.Future[OperationReply]") -> None:
            if answer.cancelled():
                return
            error = answer.exception()
            if error is None:
                self._take(answer.result(), asked)
            elif not isinstance(error, StoreClosedError) and time.monotonic() < give_up:
                self._conclude(one, how, notes, give_up)  # the batcher leaves a lost store alone for a while

        answer.add_done_callback(done)

    def _take_when_done(self, answer: "asyncio.Future[OperationReply]") -> None:
        asked = self._views.revision

        def done(answer: "asyncio.Future[OperationReply]") -> None:
            # What could not be counted is not counted later: the store was away, and with it the calls.
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
            now = time.monotonic()
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
        if not answer.cancelled() and answer.exception() is None and answer.result().answer == "stale":
            self._trials.pop(trial, None)  # somebody else tries by now


def log_change(change: BreakerChange) -> None:
    """Write into the log that a breaker came into another state by what this process reported."""
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
