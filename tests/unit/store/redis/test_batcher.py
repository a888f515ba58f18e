import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest

from support.waiting import until_async
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis.batcher import Batcher, Batchers, BatchOptions
from tidings.store.redis.reply_future import ReplyFuture


class Calls:
    """A store that answers each item with itself, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        await self.gate.wait()
        if -1 in items:
            raise StoreUnavailableError("gone")
        return items


@contextmanager
def gathering(calls: Callable[[list[int]], Awaitable[list[int]]], **options: Any) -> Iterator[Batcher[int, int]]:
    faults: list[BaseException] = []
    batcher: Batcher[int, int] = Batcher(calls, BatchOptions(**options), name="test", on_fault=faults.append)
    yield batcher
    batcher.close()
    assert not faults


async def test_what_one_turn_wants_is_one_call_and_what_comes_meanwhile_the_next() -> None:
    calls = Calls()
    with gathering(calls) as batcher:
        calls.gate.clear()
        first = [batcher.put(n) for n in (1, 2, 3)]
        await until_async(lambda: calls.batches, pause_s=0)
        second = [batcher.put(n) for n in (4, 5)]
        calls.gate.set()
        assert await asyncio.gather(*first, *second) == [1, 2, 3, 4, 5]
        assert calls.batches == [[1, 2, 3], [4, 5]]


async def test_a_batch_is_bounded() -> None:
    calls = Calls()
    with gathering(calls, most=2) as batcher:
        await asyncio.gather(*(batcher.put(n) for n in range(5)))
        assert [len(batch) for batch in calls.batches] == [2, 2, 1]


async def test_an_answer_s_follow_up_joins_the_next_batch() -> None:
    calls = Calls()

    async def chain(n: int) -> None:
        await batcher.put(n)
        await batcher.put(n + 10)

    with gathering(calls, most=2) as batcher:
        async with anyio.create_task_group() as chains:
            for n in range(2):
                chains.start_soon(chain, n)
        assert calls.batches == [[0, 1], [10, 11]]


@pytest.mark.parametrize(("callers", "batches"), [(4, [4, 4]), (3, [3, 2, 1])])
async def test_after_many_answers_the_next_batch_waits_for_tasks_that_they_start(
    callers: int, batches: list[int]
) -> None:
    calls = Calls()

    async def chain(n: int) -> None:
        await batcher.put(n)
        if n:
            await batcher.put(n + 10)
        else:
            await asyncio.create_task(put_later())

    async def put_later() -> None:  # in a task of its own, which runs a turn of the loop later
        await batcher.put(10)

    with gathering(calls) as batcher:
        async with anyio.create_task_group() as chains:
            for n in range(callers):
                chains.start_soon(chain, n)
        assert [len(batch) for batch in calls.batches] == batches


async def test_a_failed_call_fails_its_items_and_no_others() -> None:
    with gathering(Calls(), most=1) as batcher:
        bad, good = batcher.put(-1), batcher.put(1)
        with pytest.raises(StoreUnavailableError, match="gone"):
            await bad
        assert await good == 1


async def test_a_lost_store_is_left_alone_for_a_while() -> None:
    calls, paused = Calls(), list[int]()

    def pause(failures: int) -> float:
        paused.append(failures)
        return 0.01

    with gathering(calls, pause=pause) as batcher:
        for _ in range(2):
            with pytest.raises(StoreUnavailableError):
                await batcher.put(-1)
        later = batcher.put(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert calls.batches == [[-1], [-1]]
        assert await later == 1
        assert paused == [1, 2]


async def test_a_cancelled_item_holds_up_no_other() -> None:
    with gathering(Calls()) as batcher:
        futures = [batcher.put(n) for n in range(3)]
        futures[1].cancel()
        assert [await futures[0], await futures[2]] == [0, 2]


async def test_when_it_closes_nothing_waits_for_ever() -> None:
    calls = Calls()
    calls.gate.clear()
    with gathering(calls, most=1) as batcher:
        waiting = [batcher.put(1), batcher.put(2)]
        await until_async(lambda: calls.batches, pause_s=0)
    for future in (*waiting, batcher.put(3)):
        with pytest.raises(StoreUnavailableError, match="closed"):
            await future


class BrokenError(Exception):
    """What nobody expects."""


def broken_at_once(_: list[int]) -> "asyncio.Future[list[int]]":
    raise BrokenError


async def broken_later(_: list[int]) -> list[int]:
    raise BrokenError


def broken_promptly(_: list[int]) -> ReplyFuture[list[int]]:
    answer: ReplyFuture[list[int]] = ReplyFuture()
    asyncio.get_running_loop().call_soon(answer.settle, BrokenError())
    return answer


async def replies_too_many(items: list[int]) -> list[int]:
    return [*items, 1]


@pytest.mark.parametrize("call", [broken_at_once, broken_later, broken_promptly, replies_too_many])
async def test_a_defect_ends_those_who_use_it(call: Callable[[list[int]], Awaitable[list[int]]]) -> None:

    async def use() -> None:
        async with Batchers() as batchers:
            with pytest.raises(StoreUnavailableError, match="closed"):
                await batchers.gather(("test",), call).put(1)
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await use()
    assert caught.group_contains((BrokenError, AssertionError))


async def test_after_the_body_nothing_is_sent_any_more() -> None:
    calls = Calls()
    async with Batchers() as batchers:
        assert await batchers.gather(("before",), calls).put(1) == 1
    for place in ("before", "first asked for now"):
        with pytest.raises(StoreUnavailableError, match="closed"):
            await batchers.gather((place,), calls).put(2)
    assert calls.batches == [[1]]


async def test_an_answer_that_is_there_at_once_or_soon_settles_its_items() -> None:
    def call(items: list[int]) -> ReplyFuture[list[int]]:
        answer: ReplyFuture[list[int]] = ReplyFuture()
        if items[0] == 1:
            answer.settle(items)
        else:
            asyncio.get_running_loop().call_soon(answer.settle, items)
        return answer

    with gathering(call) as batcher:
        assert [await batcher.put(1), await batcher.put(2)] == [1, 2]
