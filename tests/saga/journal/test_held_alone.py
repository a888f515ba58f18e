"""One attempt of a saga that its code does not fit, without a store."""

import time
from typing import Any

import msgspec
import pytest

from saga.stand_in import StandInHost, saga_of
from tidings import Context, job
from tidings.protocol.problems import Problem, problem
from tidings.protocol.states import State
from tidings.protocol.steps import StepHead, StepStatus, StepType, encode_head
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.testing.alone.job_run import JobRunner, envelope_of
from tidings.testing.alone.run_record import RunRecord
from tidings_worker.saga.handler_code import code_digest


async def check(item: str) -> str:
    return item


@job
async def changed(ctx: Context, item: str = "tea") -> str:
    return await ctx.step(check, item)


@job(version=2)
async def raised(ctx: Context, item: str = "tea") -> str:
    return await ctx.step(check, item)


def a_step(**fields: Any) -> str:
    head = {"status": StepStatus.SUCCEEDED, "name": "check", "type": StepType.STEP, "ok": True, **fields}
    return str(encode_head(StepHead(**head)), "utf-8")


async def attempt(journal: dict[str, str], *, holds: bool, unwinding: str = "") -> AttemptOutcome:
    """Run the second attempt of a saga that has taken steps."""
    record = RunRecord(int(time.time() * 1000), {})
    record.journal |= journal
    record.unwinding = unwinding
    record.fence = 1
    runner = JobRunner(changed, envelope_of(changed, b"{}"), record, {})
    runner._services = runner._services._replace(holds_diverged=holds)
    return await runner._run_once(1)


OTHER = {"1": a_step(name="reserve"), "1:out": '"hold"'}


async def test_a_saga_with_other_steps_is_held_and_its_attempt_does_not_count() -> None:
    outcome = await attempt(OTHER, holds=True)
    assert (outcome.state, outcome.field, outcome.delay_ms, outcome.uncounted) == (State.WAITING, "held", -1, 1)
    assert outcome.code == code_digest(changed)
    told = msgspec.json.decode(outcome.value, type=Problem)
    assert (told.code, told.errors) == ("saga_diverged", [{"path": "1"}])


async def test_without_the_setting_it_fails() -> None:
    outcome = await attempt(OTHER, holds=False)
    assert (outcome.state, outcome.field, outcome.code) == (State.FAILED, "problem", "")


@pytest.mark.parametrize(("holds", "state"), [(True, State.WAITING), (False, State.FAILED)])
async def test_one_that_undoes_its_work_is_held_where_the_code_does_not_come_to_a_step(
    holds: bool, state: State
) -> None:
    journal = {"1": a_step(), "1:out": '"tea"', "2": a_step(undo="release", owes=1), "2:out": "1"}
    outcome = await attempt(journal, holds=holds, unwinding="cancelled")
    assert outcome.state == state
    told = msgspec.json.decode(outcome.value, type=Problem)
    assert "did not come to step 2 (check)" in told.detail


async def test_other_problems_fail_it_with_the_setting_too() -> None:
    saga = saga_of(StandInHost())
    saga.holds_diverged = True
    assert saga.hold(problem("saga_too_long", "it is")) is None


def test_the_digest_is_of_the_file_and_of_the_version() -> None:
    assert code_digest(changed) != code_digest(raised)
    assert len(code_digest(changed)) == 8
