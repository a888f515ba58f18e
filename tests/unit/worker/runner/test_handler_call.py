"""Whoever is first decides how an attempt ends: the handler, or whoever tells it to stop."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from tidings import Job, State, job
from tidings.protocol.frames.envelope import Envelope
from tidings.store.answers import ReportAnswer, StartAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, ReadyEntry, Started
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.runner import HandlerCall, HandlerOutcome, Raised, Returned, Run, Runners
from tidings_worker.settings import WorkerSettings


@job(cancel_grace=30, timeout=30, retries=1)
async def kind() -> None: ...


@job(cancel_grace=0)
async def impatient() -> None: ...


class Store:
    """Takes every report, as the store does that knows the fence."""

    partition = "p"
    reported_ms = 0
    keeps_history = False

    def __init__(self) -> None:
        self.outcomes: list[AttemptOutcome] = []

    def report(self, report: AttemptReport) -> "asyncio.Future[ReportAnswer]":
        report.seal()
        if report.outcome is not None:
            self.outcomes.append(report.outcome)
        answer: asyncio.Future[ReportAnswer] = asyncio.get_running_loop().create_future()
        answer.set_result(ReportAnswer.OK)
        return answer


class Puppet:
    """A handler that ends when the test says so."""

    def __init__(self, *, mortal: bool) -> None:
        self.word: asyncio.Future[HandlerOutcome] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.ensure_future(self._run())
        self.told = asyncio.Event()
        self._mortal = mortal

    async def _run(self) -> HandlerOutcome:
        return await self.word

    def stop(self) -> None:
        self.told.set()

    def kill(self) -> bool:
        if self._mortal:
            self.ended.cancel()
        return self._mortal


class Stage:
    """The runners of an attempt whose handler is a puppet."""

    def __init__(self, *, mortal: bool = False) -> None:
        self.puppet = Puppet(mortal=mortal)

    def start(self, work: HandlerCall) -> Run:
        work.on_begin()
        return self.puppet


async def outcome_of(
    play: Callable[[Attempt, Puppet], Any], *, job: Job[Any, Any] = kind, mortal: bool = False, lost: int = 0
) -> State | None:
    """Run an attempt while `play` does what it will; return the state that is recorded."""
    store, stage = Store(), Stage(mortal=mortal)
    entry = ReadyEntry("standard", "1-0", "AAAAAAAAAAAAAAAAAAAAAA", b"")
    envelope = Envelope(kind=job.kind, input=msgspec.Raw(b"{}"))
    started, gate = Started(StartAnswer.RUN, 1, 1, 0, 0, lost), cast("QueueBreakers", None)
    attempt = Attempt(cast("AttemptStore", store), WorkerSettings(), job, entry, envelope, started, gate)
    running = asyncio.create_task(attempt.run(cast("Runners", stage)))
    await asyncio.sleep(0)
    playing = play(attempt, stage.puppet)
    if playing is not None:
        await playing
    await running
    stage.puppet.ended.cancel()
    return store.outcomes[0].state if store.outcomes else None


async def test_a_handler_that_ended_before_it_was_told_has_its_outcome() -> None:
    async def play(attempt: Attempt, puppet: Puppet) -> None:
        puppet.word.set_result(Returned(b"1"))
        await asyncio.wait({puppet.ended})
        attempt.stop(StopReason.CANCEL)

    assert await outcome_of(play) is State.SUCCEEDED


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (StopReason.CANCEL, State.CANCELLED),
        (StopReason.EXPIRED, State.EXPIRED),
        (StopReason.TIMEOUT, State.SCHEDULED),
        (StopReason.HAND_BACK, State.QUEUED),
        (StopReason.LOST, None),
    ],
)
@pytest.mark.parametrize("ending", [Returned(b"1"), Raised(ValueError()), Raised(asyncio.CancelledError())])
async def test_once_it_was_told_the_reason_is_the_outcome(
    reason: StopReason, state: State | None, ending: HandlerOutcome
) -> None:
    async def play(attempt: Attempt, puppet: Puppet) -> None:
        attempt.stop(reason)
        assert attempt._sink.cancelled
        attempt.stop(StopReason.CANCEL)  # the first reason stands
        await puppet.told.wait()
        puppet.word.set_result(ending)

    assert await outcome_of(play) is state


@pytest.mark.parametrize("mortal", [True, False])
async def test_without_grace_its_end_is_not_awaited(mortal: bool) -> None:
    assert (
        await outcome_of(lambda attempt, _: attempt.stop(StopReason.CANCEL), job=impatient, mortal=mortal)
        is State.CANCELLED
    )


async def test_a_worker_that_leaves_shortens_the_grace() -> None:
    async def play(attempt: Attempt, puppet: Puppet) -> None:
        attempt.stop(StopReason.CANCEL)
        await puppet.told.wait()
        attempt.hand_back(0)

    assert await outcome_of(play) is State.CANCELLED


async def test_a_handler_s_own_cancellation_is_a_failed_attempt() -> None:
    assert await outcome_of(lambda _, puppet: puppet.word.set_result(Raised(asyncio.CancelledError()))) is State.FAILED


@pytest.mark.parametrize(("lost", "state"), [(2, State.SUCCEEDED), (3, State.FAILED)])
async def test_a_job_that_three_workers_were_lost_with_is_not_run_again(lost: int, state: State) -> None:
    assert await outcome_of(lambda _, puppet: puppet.word.set_result(Returned(b"1")), lost=lost) is state
