"""What each reason to stop does to an attempt in each state: the whole table, and an attempt that obeys it."""

import asyncio
from itertools import product

import pytest

from tidings.protocol.problems import problem
from tidings_worker.attempt.attempt_state import STOP_EFFECTS, AttemptState, StopEffect
from tidings_worker.attempt.lifecycle import Lifecycle
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.runner.runner import HandlerOutcome, Returned

NONE, STOP = StopEffect.NONE, StopEffect.STOP
DISCARD, SHORTEN = StopEffect.DISCARD_REPORT, StopEffect.SHORTEN_GRACE
FRESH = {AttemptState.STARTING, AttemptState.RUNNING}
UNWINDING = {AttemptState.REBUILDING, AttemptState.COMPENSATING}
WISHES = {StopReason.CANCEL, StopReason.EXPIRED}


def expected(state: AttemptState, reason: StopReason) -> StopEffect:
    """Return what the rules say in words, not cell by cell."""
    effect = NONE
    # The first reason stands, and none stands against a handler that ended before. A saga goes on undoing its work.
    if state in FRESH or (state in UNWINDING and reason not in WISHES):
        effect |= STOP
    # Whatever else stands: another attempt has the job, so no report will be taken.
    if reason is StopReason.LOST:
        effect |= DISCARD
    if reason is StopReason.HAND_BACK and state is not AttemptState.ENDED:
        effect |= SHORTEN
    return effect


class Discarding:
    """A reporter that counts what it is to discard."""

    def __init__(self) -> None:
        self.discarded = 0

    def discard_refused(self) -> None:
        self.discarded += 1


class Running:
    """A handler that runs until the test ends it."""

    def __init__(self) -> None:
        self.word: asyncio.Future[HandlerOutcome] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Task[HandlerOutcome] = asyncio.ensure_future(self._run())

    async def _run(self) -> HandlerOutcome:
        return await self.word

    def stop(self) -> None: ...

    def kill(self) -> bool:
        return False

    async def end(self) -> None:
        self.word.set_result(Returned(b"1"))
        await asyncio.wait({self.ended})


def lifecycle_in(state: AttemptState, running: Running) -> tuple[Lifecycle, Discarding]:
    lifecycle, reporter = Lifecycle(asyncio.get_running_loop(), unwinding=state in UNWINDING), Discarding()
    lifecycle.reporter = reporter
    match state:
        case AttemptState.STARTING:
            pass
        case AttemptState.RUNNING | AttemptState.REBUILDING | AttemptState.COMPENSATING:
            lifecycle.follow(running, state)
        case AttemptState.STOPPING:
            lifecycle.follow(running, AttemptState.RUNNING)
            lifecycle.stop(StopReason.WAITING)
        case AttemptState.ENDED:
            lifecycle.end()
    assert lifecycle.state is state
    return lifecycle, reporter


@pytest.mark.parametrize(("state", "reason"), list(product(AttemptState, StopReason)))
async def test_what_each_reason_does_in_each_state(state: AttemptState, reason: StopReason) -> None:
    running = Running()
    lifecycle, reporter = lifecycle_in(state, running)
    before = lifecycle.reason
    effect = lifecycle.stop(reason)
    assert effect == STOP_EFFECTS[state][reason] == expected(state, reason)
    stops = STOP in effect
    assert lifecycle.reason is (reason if stops else before)
    assert lifecycle.state is (AttemptState.STOPPING if stops else state)
    assert lifecycle.cancelled is (stops or state in {AttemptState.STOPPING, AttemptState.ENDED})
    assert lifecycle.wakeup.done() is (stops or state is AttemptState.STOPPING)
    assert reporter.discarded == (DISCARD in effect)
    await running.end()


@pytest.mark.parametrize("state", [AttemptState.RUNNING, AttemptState.COMPENSATING])
async def test_a_handler_that_has_ended_was_first(state: AttemptState) -> None:
    running = Running()
    lifecycle, _ = lifecycle_in(state, running)
    await running.end()
    assert lifecycle.state is AttemptState.ENDED
    assert lifecycle.stop(StopReason.HAND_BACK) is NONE
    assert not lifecycle.must_stop()


async def test_a_handler_that_ends_while_it_says_how_its_steps_are_undone_does_not_end_the_attempt() -> None:
    running = Running()
    lifecycle, _ = lifecycle_in(AttemptState.REBUILDING, running)
    await running.end()
    assert lifecycle.state is AttemptState.REBUILDING
    assert STOP in lifecycle.stop(StopReason.HAND_BACK)


async def test_the_first_problem_for_which_a_job_is_refused_stands() -> None:
    running = Running()
    lifecycle, _ = lifecycle_in(AttemptState.RUNNING, running)
    first = problem("saga_diverged", "the first")
    lifecycle.refuse(first)
    lifecycle.refuse(problem("saga_too_long", "the second"))
    assert lifecycle.refusal is first
    await running.end()


async def test_a_problem_that_comes_after_another_reason_counts_for_nothing() -> None:
    running = Running()
    lifecycle, _ = lifecycle_in(AttemptState.STOPPING, running)
    lifecycle.refuse(problem("saga_diverged", "too late"))
    assert lifecycle.refusal is None
    await running.end()
