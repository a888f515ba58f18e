"""`run`: one job in the loop of the test, by the worker's own attempt, without a store."""

import asyncio
import subprocess
import sys
from typing import assert_type

import pytest

from testing.dependency_jobs import closed, name_of, names_of, open_database, open_fake
from testing.lifespan_kinds import Pool, count_rows, read_rows
from testing.world_kinds import (
    approve,
    caller,
    done,
    elsewhere,
    endless,
    flaky,
    guarded,
    later,
    only_one,
    process,
    remind,
    saga,
    slow,
    thread,
)  # fmt: skip
from tidings import Context, ProblemError, Reject, SagaUseError, job
from tidings.testing import TestingError, run


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    done.clear()


async def test_the_result_the_progress_and_the_log_of_a_handler() -> None:
    ran = await run(slow, seconds=0)
    assert_type(ran.result, int)
    assert (ran.result, ran.status, ran.problem, ran.error) == (1, "succeeded", None, None)
    assert ran.progress == [{"fraction": 0.5, "message": "half", "data": None}]
    assert ran.log == [{"begun": 1}]


async def test_a_plain_function_runs_in_a_thread() -> None:
    ran = await run(thread, number=4)
    assert (ran.result, ran.log) == (8, ["number 4"])
    assert (await run(process, {"number": 4})).result == 12


async def test_an_attempt_that_fails_and_would_be_tried_again() -> None:
    ran = await run(flaky, failures=2)
    assert (ran.status, str(ran.error)) == ("scheduled", "attempt 1")
    assert ran.retry_after is not None
    with pytest.raises(ProblemError, match="raised an error") as refused:
        _ = ran.result
    assert refused.value.__cause__ is ran.error
    assert (await run(flaky, failures=2, attempt=3)).result == 3
    assert (await run(later, seconds=600)).retry_after == 600


async def test_the_last_attempt_fails_for_good() -> None:
    ran = await run(flaky, failures=9, attempt=5)
    assert (ran.status, ran.retry_after) == ("failed", None)
    assert ran.problem is not None
    assert ran.problem.code == "attempts_exhausted"


async def test_the_input_is_checked_as_a_worker_checks_it() -> None:
    ran = await run(slow, seconds="x")
    assert ran.problem is not None
    assert (ran.problem.code, ran.problem.field) == ("invalid_input", "/input/seconds")


async def test_a_time_limit_stops_the_handler() -> None:
    @job(timeout=0.01)
    async def impatient(ctx: Context) -> None:
        await endless.function(ctx)

    ran = await run(impatient)
    assert ran.problem is not None
    assert ran.problem.code == "timeout"


async def test_a_saga_runs_to_its_end_and_its_sleeps_take_no_time() -> None:
    ran = await run(remind, user="ada")
    assert ran.result == {"reminded": "ada"}
    assert done == ["greet ada", "remind ada"]
    assert [(step.name, step.type, step.status) for step in ran.steps] == [
        ("note", "step", "succeeded"),
        ("sleep", "sleep", "succeeded"),
        ("note", "step", "succeeded"),
    ]
    assert ran.steps[0].result == "greet ada"


async def test_a_signal_comes_from_the_test_or_not_in_time() -> None:
    assert (await run(approve, signals={"decision": {"yes": True}})).result == {"yes": True}
    assert (await run(approve)).result == "nobody decided"


async def test_signals_of_one_name_come_one_after_the_other() -> None:
    @job
    async def twice(ctx: Context) -> list[int]:
        return [await ctx.signal("go"), await ctx.signal("go")]

    assert (await run(twice, signals={"go": [1, 2]})).result == [1, 2]
    with pytest.raises(TestingError, match="waits for the signal 'go', which does not come"):
        await run(twice, signals={"go": 1})


async def test_children_end_as_the_test_says() -> None:
    assert (await run(saga, children={slow: 7})).result == ["first", 2, 7]
    assert (await run(caller, children={"elsewhere": lambda value: value["number"] + 10})).result == 11
    failed = await run(caller, children={elsewhere: Reject("not today")})
    assert failed.problem is not None
    assert (failed.problem.code, failed.problem.detail) == ("rejected", "step 1 (elsewhere) failed: not today")


async def test_a_child_that_the_test_says_nothing_of_is_named() -> None:
    with pytest.raises(TestingError, match="calls the kind 'elsewhere'"):
        await run(caller)


async def test_a_saga_that_fails_undoes_its_steps_the_last_first() -> None:
    ran = await run(saga, fail=True, children={slow: 7})
    assert ran.problem is not None
    assert (ran.status, ran.problem.detail, ran.problem.compensation) == ("failed", "sold out", "complete")
    assert done == ["first", "plain 1", "undo first"]
    assert ran.steps[0].status == "compensated"


async def test_a_saga_that_takes_other_steps_in_its_next_run_is_found_out() -> None:
    runs: list[int] = []

    @job
    async def fickle(ctx: Context) -> None:
        runs.append(1)
        if len(runs) == 1:
            await ctx.sleep(hours=1)
        else:
            await ctx.step(lambda: None, name="another")

    ran = await run(fickle)
    assert ran.problem is not None
    assert ran.problem.code == "saga_diverged"


async def test_steps_in_tasks_of_ones_own_are_refused_as_in_production() -> None:
    @job
    async def wild(ctx: Context) -> None:
        await asyncio.gather(ctx.sleep(1), ctx.sleep(2))

    assert isinstance((await run(wild)).error, SagaUseError)


async def test_no_breaker_is_open_and_memos_are_kept() -> None:
    assert (await run(guarded, fail=False)).result == "served"

    @job
    async def remembers(ctx: Context) -> list[int]:
        found = [1, 2]
        return [await ctx.once("first", found.pop), await ctx.once("first", found.pop)]

    assert (await run(remembers)).result == [2, 2]


async def test_the_state_is_a_fake_of_the_test() -> None:
    assert (await run(read_rows, state=Pool(["fake"]))).result == ["fake"]
    assert (await run(count_rows, state=Pool(["fake"] * 3))).result == 3
    assert isinstance((await run(read_rows)).error, LookupError)


async def test_dependencies_are_made_and_replaced() -> None:
    closed.clear()
    assert (await run(name_of)).result == "real"
    assert (await run(name_of, overrides={open_database: open_fake})).result == "fake"
    assert (await run(names_of, overrides={open_database: open_fake})).result == "fake"
    assert closed == ["real", "fake", "fake"]


async def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(TestingError, match="takes a function under `@job`"):
        await run(print)  # type: ignore[arg-type]
    with pytest.raises(TestingError, match="attempts count from 1"):
        await run(only_one, name="a", attempt=0)


def test_outside_of_asyncio_it_says_what_it_wants() -> None:
    with pytest.raises(TestingError, match="wants a test under asyncio"):
        run(only_one, name="a").send(None)


def test_importing_it_imports_no_pytest_no_server_and_no_worker() -> None:
    code = "import sys, tidings.testing; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pytest", "redis", "websockets", "starlette", "uvicorn", "tidings_server", "tidings_worker"}
    assert not heavy & set(loaded)
