"""Calls of other threads into a client's event loop: their answers, their cancellation, and the loop's end."""

import asyncio
import threading
from concurrent.futures import CancelledError
from contextlib import ExitStack
from contextvars import ContextVar

import anyio
import pytest

from support.timeouts import scaled
from tidings.client.sync.loop_thread import LoopClosedError, open_portal


async def number() -> int:
    await asyncio.sleep(0)
    return 7


SAID: ContextVar[str] = ContextVar("SAID", default="")


async def said() -> str:
    return SAID.get()


async def broken() -> int:
    await asyncio.sleep(0)
    raise ValueError("on purpose")


def test_a_call_has_its_answer_or_its_error() -> None:
    with ExitStack() as stack:
        _, calls = open_portal(stack, "trial")
        assert calls.start(number).result(scaled(20)) == 7
        with pytest.raises(ValueError, match="on purpose"):
            calls.start(broken).result(scaled(20))
        assert calls.start(number).result(scaled(20)) == 7


def test_a_call_is_made_in_the_context_of_its_caller() -> None:
    with ExitStack() as stack:
        _, calls = open_portal(stack, "trial")
        SAID.set("mine")
        assert calls.start(said).result(scaled(20)) == "mine"


def test_many_threads_call_at_once() -> None:
    found: list[int] = []
    with ExitStack() as stack:
        _, calls = open_portal(stack, "trial")

        def lane() -> None:
            found.extend(calls.start(number).result(scaled(20)) for _ in range(50))

        threads = [threading.Thread(target=lane) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [7] * 400


def test_a_call_that_is_given_up_is_cancelled_in_the_loop() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def wait() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    with ExitStack() as stack:
        _, calls = open_portal(stack, "trial")
        answer = calls.start(wait)
        assert begun.wait(scaled(20))
        answer.cancel()
        assert ended.wait(scaled(20))
        assert calls.start(number).result(scaled(20)) == 7


def test_the_end_waits_for_the_calls_under_way_and_takes_no_more() -> None:
    go = threading.Event()

    async def wait() -> int:
        while not go.is_set():
            await anyio.sleep(0.001)
        return 7

    with ExitStack() as stack:
        _, calls = open_portal(stack, "trial")
        answer = calls.start(wait)
        go.set()
    assert answer.result(0) == 7
    with pytest.raises(LoopClosedError):
        calls.start(number)


def test_an_error_around_the_loop_cancels_the_calls_under_way() -> None:
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await anyio.sleep_forever()

    stack = ExitStack()
    _, calls = open_portal(stack, "trial")
    answer = calls.start(wait)
    assert begun.wait(scaled(20))
    error = ValueError("around")
    assert not stack.__exit__(ValueError, error, None)
    with pytest.raises(CancelledError):
        answer.result(0)
