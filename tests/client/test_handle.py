"""A handle's iterators."""

import asyncio
import gc
from typing import Any

import pytest

from tidings.client import Event, Handle, ReaderTooSlow
from tidings.client.handle import MAX_UNREAD
from tidings.client.protocol.tracked_job import TrackedJob
from tidings.protocol.frames.messages import Ack

TOKEN = "default." + "a" * 22


class Nobody:
    def forget(self, track: TrackedJob) -> None:
        raise AssertionError

    async def cancel(self, track: TrackedJob) -> None:
        raise AssertionError("nobody cancels here")

    async def signal(self, track: TrackedJob, name: str, value: Any, key: str | None) -> None:
        raise AssertionError("nor sends a signal")


@pytest.fixture
async def handle() -> Handle:
    handle = Handle(TrackedJob(None, TOKEN), Nobody())
    tell(handle, Ack(ref=1, token=TOKEN, status="queued", seq=1))
    return handle


def tell(handle: Handle, *news: Event | Ack) -> None:
    handle._job.news.extend(news)
    handle.look()


def event(seq: int, name: str = "log") -> Event:
    return Event(name, {}, seq, "running", "")


async def test_an_iterator_that_is_cancelled_while_it_waits_loses_nothing(handle: Handle) -> None:
    events = aiter(handle)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(events)
    tell(handle, event(2), event(3))
    assert [(await anext(events)).seq for _ in range(2)] == [2, 3]


async def test_the_first_iterator_sees_all_and_each_further_one_what_comes_after_it_began(handle: Handle) -> None:
    tell(handle, event(2))
    first, second = aiter(handle), aiter(handle)
    tell(handle, event(3, "succeeded"))
    assert [one.seq async for one in first] == [2, 3]
    assert [one.seq async for one in second] == [3]
    assert [one.seq async for one in handle] == [3]


async def test_a_slow_iterator_skips_progress_but_the_newest(handle: Handle) -> None:
    events = aiter(handle)
    tell(handle, *(event(n, "progress") for n in range(2, MAX_UNREAD + 2)), event(MAX_UNREAD + 2))
    assert [(await anext(events)).seq for _ in range(2)] == [MAX_UNREAD + 1, MAX_UNREAD + 2]


async def test_one_that_is_too_slow_for_the_log_is_told_where_to_go_on_and_nothing_is_skipped(handle: Handle) -> None:
    events = aiter(handle)
    tell(handle, *(event(n) for n in range(2, MAX_UNREAD + 100)))
    numbers: list[int] = []

    async def read() -> None:
        async for one in events:
            numbers.append(one.seq)  # noqa: PERF401 - those before the error count

    with pytest.raises(ReaderTooSlow) as slow:
        await read()
    assert numbers == list(range(2, MAX_UNREAD + 2))
    assert (slow.value.token, slow.value.after) == (TOKEN, numbers[-1])


async def test_an_iterator_that_the_program_dropped_keeps_nothing(handle: Handle) -> None:
    aiter(handle)
    gc.collect()
    assert len(handle._readers) == 0
