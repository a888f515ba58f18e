"""Lifespans as one process enters and leaves them: in order, within bounds, and at arm's length."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.timeouts import scaled
from tidings import Lifespan, lifespan
from tidings_worker.runner.running_lifespans import LifespanError, RunningLifespans

SOON_S = 0.05


def running(*lifespans: Lifespan[Any], enter_s: float = 60, leave_s: float = 60) -> RunningLifespans:
    return RunningLifespans(lifespans, enter_s=enter_s, leave_s=leave_s)


def noting(name: str, notes: list[str], before: Callable[[], Any] = bool, after: Callable[[], Any] = bool) -> Any:
    """Return a lifespan that notes when it is entered and left."""

    @lifespan
    async def noted() -> AsyncIterator[str]:
        notes.append(f"enter {name}")
        before()
        try:
            yield name
        finally:
            notes.append(f"leave {name}")
            after()

    return noted


def fail() -> None:
    raise OSError("no\ndatabase")


async def test_they_are_left_in_the_reverse_order() -> None:
    notes: list[str] = []
    one, two = noting("1", notes), noting("2", notes)
    lifespans = running(one, two)
    assert await lifespans.enter() == {one: "1", two: "2"}
    await lifespans.leave()
    await lifespans.leave()
    assert notes == ["enter 1", "enter 2", "leave 2", "leave 1"]


async def test_a_failure_is_one_line_and_those_entered_before_are_left() -> None:
    notes: list[str] = []
    with pytest.raises(LifespanError) as failed:
        await running(noting("1", notes), noting("2", notes, fail), noting("3", notes)).enter()
    assert notes == ["enter 1", "enter 2", "leave 1"]
    line = fail.__code__.co_firstlineno + 1
    assert str(failed.value) == f"the lifespan noted failed at {__file__}:{line}: OSError: no database"


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
async def test_a_lifespan_that_ends_the_program_or_its_task_fails_as_any_other(error: type[BaseException]) -> None:
    def end() -> None:
        raise error

    with pytest.raises(LifespanError, match="the lifespan noted failed at"):
        await running(noting("1", [], end)).enter()


async def test_one_that_does_not_yield_is_told_to() -> None:
    @lifespan
    async def silent() -> AsyncIterator[None]:
        for _ in ():
            yield

    with pytest.raises(LifespanError, match="ended without a `yield`: yield once"):
        await running(silent).enter()


async def test_one_that_takes_too_long_to_enter_is_cancelled() -> None:
    ended = asyncio.Event()

    @lifespan
    async def slow() -> AsyncIterator[None]:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        yield

    with pytest.raises(LifespanError, match=r"slow .+ has not come to its `yield` after 0.05 s: .+LIFESPAN_ENTER_S"):
        await running(slow, enter_s=SOON_S).enter()
    assert ended.is_set()


async def test_one_that_takes_too_long_to_leave_is_cancelled_and_the_others_are_left() -> None:
    notes: list[str] = []

    @lifespan
    async def stuck() -> AsyncIterator[None]:
        yield
        await asyncio.Event().wait()

    lifespans = running(noting("1", notes), stuck, leave_s=SOON_S)
    await lifespans.enter()
    with capture_logs() as logs:
        async with asyncio.timeout(scaled(10)):
            await lifespans.leave()
    assert notes == ["enter 1", "leave 1"]
    assert [(line["event"], line["lifespan"]) for line in logs] == [("lifespan_cancelled", "stuck")]


async def test_an_error_at_leaving_is_logged_and_keeps_no_other_from_being_left() -> None:
    notes: list[str] = []
    lifespans = running(noting("1", notes), noting("2", notes, after=fail))
    await lifespans.enter()
    with capture_logs() as logs:
        await lifespans.leave()
    assert notes == ["enter 1", "enter 2", "leave 2", "leave 1"]
    (line,) = logs
    assert line["event"] == "lifespan_not_left"
    assert "OSError: no\ndatabase" in line["exception"]


async def test_a_background_task_that_fails_breaks_its_lifespan_and_no_other_task() -> None:
    notes: list[str] = []
    fails = asyncio.Event()

    async def background() -> None:
        await fails.wait()
        fail()

    @lifespan
    async def grouped() -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(background())
            yield

    lifespans = running(noting("1", notes), grouped)
    await lifespans.enter()
    with capture_logs() as logs:
        fails.set()
        async with asyncio.timeout(scaled(10)):
            await lifespans.broken.wait()
    assert [line["event"] for line in logs] == ["lifespan_failed"]
    assert notes == ["enter 1"]
    await lifespans.leave()
    assert notes == ["enter 1", "leave 1"]


async def test_a_caller_that_is_cancelled_leaves_what_was_entered() -> None:
    notes: list[str] = []
    waits = asyncio.Event()

    @lifespan
    async def slow() -> AsyncIterator[None]:
        waits.set()
        await asyncio.Event().wait()
        yield

    entering = asyncio.create_task(running(noting("1", notes), slow).enter())
    await waits.wait()
    entering.cancel()
    await asyncio.wait({entering})
    assert entering.cancelled()
    assert notes == ["enter 1", "leave 1"]
