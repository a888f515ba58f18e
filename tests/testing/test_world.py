"""A world is the whole system: what jobs do in it over days, in milliseconds."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import assert_type

import msgspec
import pytest

from testing import broken_lifespan_kinds, dependency_jobs, hourly_kinds, lifespan_kinds, world_kinds
from testing.world_kinds import (
    approve,
    caller,
    done,
    endless,
    flaky,
    guarded,
    guarded_whole,
    large,
    later,
    only_one,
    process,
    rated,
    remind,
    saga,
    saga_of_one_child,
    slow,
    thread,
)  # fmt: skip
from tidings import JobCancelled, JobExpired, JobFailed, ProblemError, SubmitOptions
from tidings.testing import World, WorldJob
from tidings_worker.runner.running_lifespans import LifespanError

START = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    done.clear()
    hourly_kinds.ticks.clear()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(world_kinds, start=START) as world:
        yield world


def _json(raw: msgspec.Raw | msgspec.UnsetType) -> object:
    return None if isinstance(raw, msgspec.UnsetType) else msgspec.json.decode(raw)


def names(job: WorldJob[object]) -> list[str]:
    return [event.name for event in job.events]


async def test_a_saga_sleeps_for_three_days_and_goes_on_at_that_very_moment(world: World) -> None:
    job = await world.submit(remind, user="ada")
    assert (job.status, done) == ("waiting", ["greet ada"])
    began = world.now

    await world.advance(days=3, seconds=-0.001)
    assert job.status == "waiting"
    await world.advance(0.001)

    assert job.result == {"reminded": "ada"}
    assert done == ["greet ada", "remind ada"]
    assert world.now == began + timedelta(days=3)


async def test_the_clock_of_a_new_world_shows_what_the_test_says_and_moves_by_what_it_says(world: World) -> None:
    assert world.now == START
    await world.advance(1, minutes=2, hours=3, days=4, weeks=1)
    assert world.now == START + timedelta(days=11, hours=3, minutes=2, seconds=1)


async def test_events_bear_the_held_time(world: World) -> None:
    job = await world.submit(remind, user="ada")
    await job.finish()
    first, last = (datetime.fromisoformat(job.events[place].at) for place in (0, -1))
    assert first - START < timedelta(seconds=1)
    assert last - first == timedelta(days=3)


async def test_a_signal_wakes_a_saga_at_once_and_its_time_limit_comes_after_a_week(world: World) -> None:
    decided, forgotten = await world.submit(approve), await world.submit(approve)
    await decided.signal("decision", {"yes": True})
    assert decided.result == {"yes": True}
    await world.advance(days=6)
    assert forgotten.status == "waiting"
    await world.advance(days=1)
    assert forgotten.result == "nobody decided"


async def test_attempts_that_fail_are_tried_again_after_their_backoff(world: World) -> None:
    job = await world.submit(flaky, failures=3)
    assert (job.attempts, job.status) == (1, "scheduled")
    assert await job.finish() == 4
    assert names(job) == ["started", "retrying", "queued"] * 3 + ["started", "succeeded"]


async def test_an_attempt_asks_for_a_time_and_gets_it_to_the_second(world: World) -> None:
    job = await world.submit(later, seconds=600)
    await world.advance(599)
    assert job.status == "scheduled"
    await world.advance(1)
    assert job.result == 2


async def test_a_job_that_fails_for_good_says_why(world: World) -> None:
    job = await world.submit(flaky, failures=5)
    with pytest.raises(JobFailed):
        await job.finish()
    assert job.problem is not None
    assert (job.problem.code, job.attempts) == ("attempts_exhausted", 5)


async def test_a_handler_that_takes_too_long_is_stopped_when_its_time_is_over(world: World) -> None:
    job = await world.submit(endless)
    await world.advance(59)
    assert job.status == "running"
    with pytest.raises(JobFailed, match="60"):
        await job.finish()
    assert job.attempts == 2


async def test_a_handler_that_sleeps_sleeps_by_the_clock_and_reports_meanwhile(world: World) -> None:
    job = await world.submit(slow, seconds=30)
    assert (job.status, job.log) == ("running", [{"begun": 1}])
    assert [one["message"] for one in job.progress] == ["half"]
    await world.advance(30)
    assert job.result == 1


async def test_plain_functions_run_in_threads_in_no_time(world: World) -> None:
    began = world.now
    job, other = await world.submit(thread, number=4), await world.submit(process, number=4)
    assert (job.result, job.log, other.result) == (8, ["number 4"], 12)
    assert world.now - began < timedelta(seconds=1)


async def test_a_saga_with_children_and_branches_comes_to_its_end(world: World) -> None:
    job = await world.submit(saga)
    assert await job.finish() == ["first", 2, 1]
    assert [(step.name, step.status) for step in job.steps][:2] == [("note", "succeeded"), ("plain_step", "succeeded")]
    assert [step.path for step in await job.read_steps() if _json(step.result) == "first"] == ["1"]
    child = await world.watch(next(step.child for step in job.steps if step.child))
    assert (child.kind, child.status) == ("slow", "succeeded")


async def test_a_saga_that_fails_undoes_its_steps(world: World) -> None:
    job = await world.submit(saga, fail=True)
    with pytest.raises(JobFailed):
        await job.finish()
    assert done == ["first", "plain 1", "undo first"]


async def test_a_child_in_another_queue_runs_beside(world: World) -> None:
    assert await (await world.submit(caller)).finish() == 2


async def test_a_delay_a_deadline_and_a_key_mean_what_they_mean(world: World) -> None:
    delayed = await world.with_options(SubmitOptions(delay=3_600)).submit(thread, number=1)
    late = await world.with_options(SubmitOptions(deadline=60)).submit(slow, seconds=100)
    first = await world.with_options(SubmitOptions(key="a")).submit(flaky, failures=0)
    again = await world.with_options(SubmitOptions(key="a")).submit(flaky, failures=0)
    assert (first.token, first.duplicate, again.duplicate) == (again.token, False, True)

    await world.advance(3_599)
    assert delayed.status == "scheduled"
    with pytest.raises(JobExpired):
        _ = late.result
    await world.advance(1)
    assert delayed.result == 2


async def test_a_job_is_cancelled(world: World) -> None:
    job = await world.submit(slow, seconds=100)
    await job.cancel()
    with pytest.raises(JobCancelled):
        _ = job.result


async def test_the_server_refuses_what_it_refuses_in_production(world: World) -> None:
    with pytest.raises(ProblemError) as wrong:
        await world.submit("remind", user=3)
    assert (wrong.value.problem.code, wrong.value.problem.field) == ("invalid_input", "/input/user")
    with pytest.raises(ProblemError) as unknown:
        await world.submit("remnid", user="ada")
    assert unknown.value.problem.code == "unknown_kind"


async def test_an_open_breaker_keeps_calls_out_until_its_time_is_over(world: World) -> None:
    for _ in range(2):
        await world.submit(guarded, fail=True)
    await world.advance(1)
    assert (await world.submit(guarded_whole)).result == "kept out"
    parked = await world.submit(guarded, fail=False)
    assert not parked.ended
    await world.advance(60)
    assert parked.result == "served"
    assert (await world.submit(guarded_whole)).result == "let through"


async def test_the_job_of_a_lost_worker_is_taken_over_when_its_lease_is_over(world: World) -> None:
    job = await world.submit(slow, seconds=60)
    await world.advance(30)
    await world.lose_worker()
    await world.advance(5)
    assert job.attempts == 1
    await world.advance(10)
    assert (job.attempts, job.status) == (2, "running")
    assert await job.finish() == 2


async def test_a_lost_worker_reports_nothing_more() -> None:
    async with World(slow, workers=2, lease_s=30, heartbeat_s=5) as world:
        job = await world.submit(slow, seconds=1)
        await world.lose_worker()
        await world.advance(20)
        assert job.events[-1].name != "succeeded"
        assert await job.finish() == 2


async def test_a_handler_that_runs_for_a_day_keeps_its_lease() -> None:
    async with World(slow, workers=3) as world:
        job = await world.submit(slow, seconds=86_400)
        await world.advance(days=1, seconds=-1)
        assert job.status == "running"
        await world.advance(1)
        assert job.result == 1


async def test_a_saga_survives_a_worker_that_is_lost_while_it_waits(world: World) -> None:
    job = await world.submit(remind, user="ada")
    await world.lose_worker()
    await world.advance(days=3)
    assert job.result == {"reminded": "ada"}
    assert done == ["greet ada", "remind ada"]


async def test_a_recurring_job_runs_at_each_of_its_ticks() -> None:
    async with World(hourly_kinds, start=START) as world:
        await world.advance(minutes=29)
        assert hourly_kinds.ticks == []
        await world.advance(minutes=1)
        assert hourly_kinds.ticks == ["tick:2026-01-01T13:00:00.000Z"]
        await world.advance(hours=24)
        assert len(hourly_kinds.ticks) == 25


async def test_a_key_is_forgotten_after_its_window(world: World) -> None:
    keyed = world.with_options(SubmitOptions(key="a"))
    first = await keyed.submit(flaky, failures=0)
    await world.advance(hours=23)
    assert (await keyed.submit(flaky, failures=0)).token == first.token
    await world.advance(hours=1)
    assert (await keyed.submit(flaky, failures=0)).token != first.token


async def test_the_store_does_its_part_before_a_timer_that_is_due_at_the_same_moment(world: World) -> None:
    job = await world.with_options(SubmitOptions(deadline=60)).submit(saga_of_one_child, seconds=100)
    with pytest.raises(JobExpired):
        await job.finish()
    told = [event.data["status"] if event.name == "step" else event.name for event in job.events]
    assert told[:5] == ["started", "running", "waiting", "queued", "started"]


async def test_unique_jobs_and_rates_hold(world: World) -> None:
    one, other = await world.submit(only_one, name="a"), await world.submit(only_one, name="a")
    assert one.token == other.token
    jobs = [await world.submit(rated, number=number) for number in range(4)]
    assert [job.ended for job in jobs] == [True, True, False, False]
    await world.advance(61)
    assert [job.ended for job in jobs] == [True] * 4


async def test_jobs_that_become_due_together_start_in_the_order_in_which_they_were_submitted(world: World) -> None:
    for number in range(5):
        await world.submit("rated", number=number, options=SubmitOptions(delay=3_600, correlation_id=str(number)))
    await world.advance(hours=2)
    assert done == [f"rated {number}" for number in range(5)]


async def test_a_result_too_large_for_one_event_arrives() -> None:
    async with World(large) as world:
        assert len((await world.submit(large)).result) == 200_000


async def test_checkers_know_the_type_of_a_result(world: World) -> None:
    job = await world.submit(flaky, failures=0)
    assert_type(job.result, int)
    assert_type(await job.finish(), int)


async def test_each_world_begins_empty() -> None:
    for _ in range(2):
        async with World(remind) as world:
            job = await world.with_options(SubmitOptions(key="same")).submit(remind, user="ada")
            assert not job.duplicate


async def test_lifespans_open_what_jobs_share_and_close_it_at_the_end() -> None:
    lifespan_kinds.opened.clear()
    async with World(lifespan_kinds) as world:
        assert lifespan_kinds.opened == ["open"]
        assert (await world.submit(lifespan_kinds.read_rows)).result == ["real"]
    assert lifespan_kinds.opened == ["open", "close"]


async def test_a_test_gives_a_state_of_its_own_and_no_lifespan_is_entered() -> None:
    lifespan_kinds.opened.clear()
    async with World(lifespan_kinds, state=lifespan_kinds.Pool(["fake"])) as world:
        assert (await world.submit(lifespan_kinds.read_rows)).result == ["fake"]
        assert (await world.submit(lifespan_kinds.count_rows)).result == 1
    assert lifespan_kinds.opened == []


async def test_dependencies_are_made_and_replaced() -> None:
    async with World(dependency_jobs, overrides={dependency_jobs.open_database: dependency_jobs.open_fake}) as world:
        assert (await world.submit(dependency_jobs.name_of)).result == "fake"
        assert (await world.submit(dependency_jobs.names_of)).result == "fake"
    async with World(dependency_jobs) as world:
        assert (await world.submit(dependency_jobs.name_of)).result == "real"


async def test_a_lifespan_that_fails_keeps_the_world_from_opening() -> None:
    with pytest.raises(LifespanError, match=r"the lifespan broken failed at .*broken_lifespan_kinds\.py:\d+"):
        await World(broken_lifespan_kinds).__aenter__()
