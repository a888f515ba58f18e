"""What a world says to a test that uses it in a way that cannot work, or that waits for what never comes."""

import types
from collections.abc import Iterator
from datetime import datetime

import pytest

from support.timeouts import scaled
from testing import stuck_kinds
from testing.stuck_kinds import blocks_a_thread, blocks_the_loop, never_rests, polls, waits_for_go, waits_for_nothing
from testing.world_kinds import remind, slow
from tidings import ProblemError, SettingsError, job
from tidings.testing import TestingError, World, WorldStuckError
from tidings.testing.extras import extras
from tidings_worker.loading.loader import LoadError

IMPATIENT_S = scaled(0.5)


@pytest.fixture(autouse=True)
def _release() -> Iterator[None]:
    stuck_kinds.released.clear()
    yield
    stuck_kinds.released.set()


def test_a_world_wants_jobs() -> None:
    with pytest.raises(TestingError, match="name the jobs"):
        World()
    with pytest.raises(TestingError, match="the module empty holds no jobs"):
        World(types.ModuleType("empty"))
    with pytest.raises(TestingError, match="is no job"):
        World(print)  # type: ignore[arg-type]
    with pytest.raises(LoadError, match="there is no module 'nowhere'"):
        World("nowhere")


def test_a_kind_has_one_handler() -> None:
    @job(name="remind")
    async def other() -> None: ...

    with pytest.raises(TestingError, match="'remind' is there twice"):
        World(remind, other)


def test_arguments_out_of_bounds_are_named() -> None:
    with pytest.raises(TestingError, match="1 to 10 workers, not 0"):
        World(remind, workers=0)
    with pytest.raises(TestingError, match="patience is 0 s"):
        World(remind, patience=0)
    with pytest.raises(TestingError, match="no time zone"):
        World(remind, start=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_settings_are_checked_as_those_of_processes() -> None:
    with pytest.raises(TestingError, match="'leese_s' is no setting"):
        World(remind, leese_s=3).open()
    with pytest.raises(SettingsError, match="TIDINGS_LEASE_S"):
        World(remind, lease_s="long").open()
    with pytest.raises(TestingError, match="'store_url' is not a test's to set"):
        World(remind, store_url="redis://elsewhere").open()


async def test_a_world_is_used_while_it_is_open_and_opened_once() -> None:
    world = World(remind)
    with pytest.raises(TestingError, match="not open"):
        await world.submit(remind, user="ada")
    async with world:
        with pytest.raises(TestingError, match="opened before"):
            world.open()
    for use in (lambda: world.advance(1), lambda: world.submit(remind, user="ada"), world.lose_worker):
        with pytest.raises(TestingError, match="closed"):
            await use()
    with pytest.raises(TestingError, match="closed"):
        _ = world.now
    world.close()


async def test_the_clock_moves_forwards_and_not_for_ever() -> None:
    async with World(remind) as world:
        with pytest.raises(TestingError, match="does not go back"):
            await world.advance(-1)
        with pytest.raises(TestingError, match="ten years at most"):
            await world.advance(days=4_000)
        with pytest.raises(TestingError, match="ten years at most"):
            await world.advance(float("nan"))


async def test_a_result_is_not_there_before_its_time() -> None:
    async with World(remind, slow) as world:
        job = await world.submit(remind, user="ada")
        with pytest.raises(TestingError, match=r"has not ended: it is waiting\. Move the clock"):
            _ = job.result


async def test_a_kind_of_another_module_is_refused_with_the_kinds_that_there_are() -> None:
    async with World(remind) as world:
        with pytest.raises(ProblemError, match="slow"):
            await world.submit(slow, seconds=1)


async def test_a_job_that_waits_for_what_never_comes_is_told_at_once() -> None:
    async with World(waits_for_go, waits_for_nothing) as world:
        signalled = await world.submit(waits_for_go)
        with pytest.raises(WorldStuckError, match=r"nothing more is due: .*waits_for_go waiting"):
            await signalled.finish()
        await signalled.signal("go")
        assert signalled.result is None


async def test_a_job_that_takes_longer_than_the_test_allows_is_told() -> None:
    async with World(slow) as world:
        job = await world.submit(slow, seconds=100)
        with pytest.raises(WorldStuckError, match="has not come in this time"):
            await world.advance_until(lambda: job.ended, within=99)
        await world.advance(1)
        assert job.result == 1


async def test_a_handler_that_blocks_the_loop_is_shown_by_its_line() -> None:
    async with World(blocks_the_loop, patience=IMPATIENT_S) as world:
        with pytest.raises(WorldStuckError, match=r"(?s)loop of the world is blocked.*in blocks_the_loop"):
            await world.submit(blocks_the_loop)
        stuck_kinds.released.set()


async def test_a_thread_that_does_not_come_back_is_named() -> None:
    async with World(blocks_a_thread, patience=IMPATIENT_S) as world:
        with pytest.raises(WorldStuckError, match=r"blocks_a_thread runs in a worker; a thread works, in real time"):
            await world.submit(blocks_a_thread)
        stuck_kinds.released.set()


async def test_a_handler_that_never_rests_is_given_up() -> None:
    async with World(never_rests, patience=IMPATIENT_S) as world:
        with pytest.raises(
            WorldStuckError, match=r"does not come to rest: a task goes on for ever without waiting; .*never_rests"
        ):
            await world.submit(never_rests)
        stuck_kinds.released.set()


async def test_a_handler_that_polls_by_the_millisecond_is_given_up() -> None:
    async with World(polls, patience=IMPATIENT_S) as world:
        await world.submit(polls)
        with pytest.raises(WorldStuckError, match=r"does not come to rest: .*polls runs in a worker"):
            await world.advance(days=30)
        stuck_kinds.released.set()


def test_a_package_that_is_missing_is_named_with_what_to_install() -> None:
    advice = r"a world needs nothing_there, .*pip install 'tidings\[dev\]'"
    with pytest.raises(TestingError, match=advice), extras("a world"):
        raise ModuleNotFoundError("No module named 'nothing_there'", name="nothing_there")
    with pytest.raises(ModuleNotFoundError), extras("a world"):
        raise ModuleNotFoundError("No module named 'tidings_nothing'", name="tidings_nothing")


async def test_a_world_whose_store_is_killed_says_so() -> None:
    async with World(remind) as world:
        await world.submit(remind, user="ada")
        assert world._store is not None
        process = world._store.process
        assert process.pid is not None
        process._process.kill()  # type: ignore[union-attr]
        with pytest.raises((TestingError, RuntimeError), match="store"):
            await world.advance(days=3)
