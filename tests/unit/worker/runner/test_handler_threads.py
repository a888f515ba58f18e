"""Plain handlers have a thread each at once, keep the threads warm, and leave none behind."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import anyio
import msgspec
import pytest

from demo.recorder import Recorder
from support.timeouts import scaled
from tidings import job
from tidings_worker.runner.handler_threads import HandlerThreads
from tidings_worker.runner.process_pool import ProcessPool
from tidings_worker.runner.runner import HandlerCall, HandlerOutcome, Raised, Returned, Run, Runners, handler_outcome


def others() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name == "handler"}


@pytest.fixture
def threads() -> Iterator[HandlerThreads]:
    before, threads = others(), HandlerThreads()
    yield threads
    threads.close()
    for thread in others() - before:
        thread.join(scaled(10))
        assert not thread.is_alive()


async def called(threads: HandlerThreads, *calls: Callable[[], object]) -> None:
    """Make calls beside each other, and return when all have ended."""
    loop, ends = asyncio.get_running_loop(), []

    def make(call: Callable[[], object], end: asyncio.Future[None]) -> None:
        call()
        loop.call_soon_threadsafe(finish, end)

    def finish(end: asyncio.Future[None]) -> None:
        threads.ended()
        end.set_result(None)

    for call in calls:
        end = loop.create_future()
        ends.append(end)
        threads.start(lambda call=call, end=end: make(call, end))  # type: ignore[misc]
    async with asyncio.timeout(scaled(20)):
        await asyncio.gather(*ends)


async def test_no_call_waits_for_a_thread(threads: HandlerThreads) -> None:
    for many in (3, 8, 8):
        meeting = threading.Barrier(many)  # none passes until all have come
        await called(threads, *[partial(meeting.wait, scaled(20))] * many)


async def test_a_thread_is_used_again(threads: HandlerThreads) -> None:
    used = list[int]()
    for _ in range(5):
        await called(threads, lambda: used.append(threading.get_ident()))
    assert len(set(used)) == 1


async def test_a_call_after_the_end_waits_for_no_thread_that_is_stuck(threads: HandlerThreads) -> None:
    gate, stuck = threading.Event(), threading.Event()

    def wait() -> None:
        stuck.set()
        gate.wait(scaled(20))

    threads.start(wait)
    assert await asyncio.to_thread(stuck.wait, scaled(20))
    threads.close()
    await called(threads, lambda: None)
    gate.set()


@job
def runs_a_loop() -> str:
    anyio.run(anyio.sleep, 0)
    return "it did"


@job
def says_where() -> str:
    return threading.current_thread().name


def start(runners: Runners, kind: Any, **more: Any) -> Run:
    sink = Recorder()
    for name, value in more.items():
        setattr(sink, name, value)
    call = HandlerCall(
        kind, msgspec.Raw(b"{}"), 1, sink, lambda: None, lambda: None, 1000, asyncio.get_running_loop()
    )  # fmt: skip
    return runners.start(call)


@pytest.mark.parametrize(("kind", "result"), [(runs_a_loop, b'"it did"'), (says_where, b'"handler"')])
def test_a_plain_handler_may_begin_an_event_loop_in_its_thread(kind: Any, result: bytes) -> None:
    async def work() -> HandlerOutcome:
        with Runners(1, cast("ProcessPool", None)) as runners:
            run = start(runners, kind)
            async with asyncio.timeout(scaled(20)):
                await asyncio.wait({run.ended})
            return handler_outcome(run)

    assert anyio.run(work) == Returned(result)  # as the worker runs, so that anyio's own marks are set


async def test_a_handler_that_was_stopped_before_it_began_does_not_begin() -> None:
    with Runners(1, cast("ProcessPool", None)) as runners:
        run = start(runners, says_where, cancelled=True)
        run.stop()
        async with asyncio.timeout(scaled(20)):
            await asyncio.wait({run.ended})
        ending = handler_outcome(run)
        assert isinstance(ending, Raised), ending


def test_a_handler_that_outlives_its_event_loop_ends_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = list[threading.ExceptHookArgs]()
    monkeypatch.setattr(threading, "excepthook", failed.append)
    begun, gate = threading.Event(), threading.Event()

    @job
    def outlives() -> None:
        begun.set()
        gate.wait(scaled(20))

    async def abandon() -> None:
        with Runners(1, cast("ProcessPool", None)) as runners:
            start(runners, outlives)
            assert await asyncio.to_thread(begun.wait, scaled(20))

    before = others()
    asyncio.run(abandon())
    (thread,) = others() - before
    gate.set()
    thread.join(scaled(20))
    assert not thread.is_alive()
    assert not failed
