import asyncio

import anyio
import pytest

from tidings.broker.error import StoreUnavailableError
from tidings.broker.gather import Gatherer


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


async def test_what_one_turn_wants_is_one_call_and_what_comes_meanwhile_the_next() -> None:
    calls = Calls()
    gatherer: Gatherer[int, int] = Gatherer(calls, name="test")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gatherer.run)
        calls.gate.clear()
        first = [gatherer.put(n) for n in (1, 2, 3)]
        while not calls.batches:
            await asyncio.sleep(0)
        second = [gatherer.put(n) for n in (4, 5)]
        calls.gate.set()
        assert await asyncio.gather(*first, *second) == [1, 2, 3, 4, 5]
        assert calls.batches == [[1, 2, 3], [4, 5]]
        tasks.cancel_scope.cancel()


async def test_a_batch_is_bounded() -> None:
    calls = Calls()
    gatherer: Gatherer[int, int] = Gatherer(calls, name="test", most=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gatherer.run)
        await asyncio.gather(*(gatherer.put(n) for n in range(5)))
        assert [len(batch) for batch in calls.batches] == [2, 2, 1]
        tasks.cancel_scope.cancel()


async def test_an_answer_s_follow_up_joins_the_next_batch() -> None:
    calls = Calls()
    gatherer: Gatherer[int, int] = Gatherer(calls, name="test", most=2)

    async def chain(n: int) -> None:
        await gatherer.put(n)
        await gatherer.put(n + 10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gatherer.run)
        async with anyio.create_task_group() as chains:
            for n in range(2):
                chains.start_soon(chain, n)
        assert calls.batches == [[0, 1], [10, 11]]
        tasks.cancel_scope.cancel()


async def test_a_failed_call_fails_its_items_and_no_others() -> None:
    calls = Calls()
    gatherer: Gatherer[int, int] = Gatherer(calls, name="test", most=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gatherer.run)
        bad, good = gatherer.put(-1), gatherer.put(1)
        with pytest.raises(StoreUnavailableError, match="gone"):
            await bad
        assert await good == 1
        tasks.cancel_scope.cancel()


async def test_when_it_closes_nothing_waits_for_ever() -> None:
    calls = Calls()
    calls.gate.clear()
    gatherer: Gatherer[int, int] = Gatherer(calls, name="test", most=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gatherer.run)
        waiting = [gatherer.put(1), gatherer.put(2)]
        while not calls.batches:
            await asyncio.sleep(0)
        tasks.cancel_scope.cancel()
    for future in (*waiting, gatherer.put(3)):
        with pytest.raises(StoreUnavailableError, match="closed"):
            await future
