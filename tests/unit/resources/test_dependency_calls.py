"""Dependencies as they are made and cleaned up: in order, once, and whatever becomes of the function."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Annotated, Any

import pytest

from support.timeouts import scaled
from support.waiting import until_async
from tidings import Context, Depends, StoppedError
from tidings.resources.async_call import call_async
from tidings.resources.dependency_plan import Dependency, DependencyPlan, plan_of
from tidings.resources.loop_bridge import LoopBridge
from tidings.resources.sync_call import call_sync

notes: list[str] = []


@pytest.fixture(autouse=True)
def fresh() -> None:
    notes.clear()


class WorkError(Exception):
    pass


def outer(ctx: Context[Any]) -> Iterator[str]:
    notes.append("open outer")
    try:
        yield "outer"
    except BaseException as error:
        notes.append(f"outer saw {type(error).__name__}")
        raise
    finally:
        notes.append("close outer")


async def inner(outer: Annotated[str, Depends(outer)]) -> AsyncIterator[str]:
    task = asyncio.current_task()
    await asyncio.sleep(0)
    notes.append("open inner")
    try:
        yield f"inner of {outer}"
    except BaseException as error:
        notes.append(f"inner saw {type(error).__name__}")
        raise
    finally:
        await asyncio.sleep(0)
        notes.append("close inner")
        assert asyncio.current_task() is task, "it is left by the task that entered it"


async def value(inner: Annotated[str, Depends(inner)]) -> str:
    notes.append("value")
    return f"value of {inner}"


class Caller:
    """Calls a function as a worker calls a handler in the loop, or in a thread."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.failed: list[tuple[str, str]] = []
        self.over = threading.Event()
        self.bridge = LoopBridge(asyncio.get_running_loop(), self.over.is_set)

    def take_note(self, one: Dependency, error: BaseException) -> None:
        self.failed.append((one.name, repr(error)))

    async def call(self, handler: Callable[..., Any], function: Callable[..., Any], **arguments: Any) -> Any:
        """Call a function with the dependencies of a handler."""
        plan = plan_of(handler)
        assert plan is not None
        if self.mode == "loop":
            return await self._in_loop(plan, function, arguments)
        call = partial(call_sync, plan, function, arguments, str, self.bridge, self.take_note)
        return await asyncio.to_thread(call)

    async def _in_loop(self, plan: DependencyPlan, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        async def asynchronous(**filled: Any) -> Any:
            await asyncio.sleep(0)
            return function(**filled)

        return await call_async(plan, asynchronous, arguments, str, self.take_note)


@pytest.fixture(params=["loop", "thread"])
async def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


def handler(
    one: Annotated[str, Depends(value)], two: Annotated[str, Depends(inner)], three: Annotated[str, Depends(value)]
) -> Any: ...


OPENED = ["open outer", "open inner", "value"]


async def test_they_are_made_once_in_order_and_closed_in_reverse(caller: Caller) -> None:
    def function(one: str, two: str, three: str, item: str) -> str:
        notes.append(f"work on {item}")
        return f"{one}, {two}, {three is one}"

    assert await caller.call(handler, function, item="tea") == "value of inner of outer, inner of outer, True"
    assert notes == [*OPENED, "work on tea", "close inner", "close outer"]
    assert caller.failed == []


async def test_each_sees_the_error_of_the_function_which_stands(caller: Caller) -> None:
    def function(**_: Any) -> None:
        raise WorkError("no")

    with pytest.raises(WorkError, match="no"):
        await caller.call(handler, function)
    assert notes == [*OPENED, "inner saw WorkError", "close inner", "outer saw WorkError", "close outer"]
    assert caller.failed == []


def swallows() -> Iterator[None]:
    try:
        yield
    except WorkError:
        notes.append("swallowed")


def converts() -> Iterator[None]:
    try:
        yield
    except WorkError as error:
        raise LookupError("converted") from error


async def fails_at_close() -> AsyncIterator[None]:
    yield
    raise OSError("not closed")


def of_three(
    one: Annotated[None, Depends(fails_at_close)],
    two: Annotated[None, Depends(converts)],
    three: Annotated[None, Depends(swallows)],
) -> Any: ...


async def test_what_a_clean_up_makes_of_the_error_does_not_hide_it(caller: Caller) -> None:
    def function(**_: Any) -> None:
        raise WorkError("no")

    with pytest.raises(WorkError, match="no"):
        await caller.call(of_three, function)
    assert notes == ["swallowed"]
    assert caller.failed == [("converts", "LookupError('converted')")]


async def test_an_error_of_a_clean_up_leaves_the_result(caller: Caller) -> None:
    def only(two: Annotated[str, Depends(inner)], one: Annotated[None, Depends(fails_at_close)]) -> Any: ...

    assert await caller.call(only, lambda **_: "done") == "done"
    assert caller.failed == [("fails_at_close", "OSError('not closed')")]
    assert notes == ["open outer", "open inner", "close inner", "close outer"]


async def breaks(inner: Annotated[str, Depends(inner)]) -> None:
    raise WorkError("not made")


async def test_those_made_before_one_that_fails_are_closed(caller: Caller) -> None:
    def only(one: Annotated[None, Depends(breaks)]) -> Any: ...

    with pytest.raises(WorkError, match="not made"):
        await caller.call(only, lambda **_: notes.append("never"))
    assert notes == ["open outer", "open inner", "inner saw WorkError", "close inner", "outer saw WorkError",
                     "close outer"]  # fmt: skip


async def test_an_argument_of_the_same_name_wins(caller: Caller) -> None:
    def only(one: Annotated[str, Depends(value)]) -> Any: ...

    assert await caller.call(only, lambda one: one, one="given") == "given"


async def waits() -> AsyncIterator[None]:
    notes.append("waits")
    try:
        await asyncio.Event().wait()
        yield
    finally:
        notes.append("waits no more")


async def test_a_cancelled_call_in_the_loop_closes_what_it_opened() -> None:
    begun = asyncio.Event()

    async def work(**_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    plan = plan_of(handler)
    assert plan is not None
    task = asyncio.create_task(call_async(plan, work, {}, str, lambda *_: None))
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert notes == [*OPENED, "inner saw CancelledError", "close inner", "outer saw CancelledError", "close outer"]


async def test_a_cancellation_during_the_clean_up_keeps_the_others_from_nothing() -> None:
    closes = asyncio.Event()

    async def slow() -> AsyncIterator[None]:
        yield
        closes.set()
        await asyncio.Event().wait()

    async def only(two: Annotated[str, Depends(inner)], one: Annotated[None, Depends(slow)]) -> None: ...

    plan = plan_of(only)
    assert plan is not None
    task = asyncio.create_task(call_async(plan, only, {}, str, lambda *_: notes.append("failed")))
    await closes.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert notes == ["open outer", "open inner", "close inner", "close outer"]


async def test_a_thread_that_waits_for_a_dependency_is_freed_when_its_attempt_is_over() -> None:
    caller = Caller("thread")

    def only(two: Annotated[str, Depends(inner)], one: Annotated[None, Depends(waits)]) -> Any: ...

    task = asyncio.create_task(caller.call(only, lambda **_: notes.append("never")))
    async with asyncio.timeout(scaled(10)):
        await until_async(lambda: "waits" in notes, seconds=10, pause_s=0)
        caller.over.set()
        caller.bridge.stop()
        with pytest.raises(StoppedError):
            await task
    await asyncio.sleep(0)
    assert "never" not in notes
    assert notes.index("waits no more") > notes.index("waits")
    assert notes[-1] == "close outer"


async def test_an_attempt_that_is_over_makes_no_dependency() -> None:
    caller = Caller("thread")
    caller.over.set()
    with pytest.raises(StoppedError):
        await caller.call(handler, lambda **_: None)
    assert notes == []
