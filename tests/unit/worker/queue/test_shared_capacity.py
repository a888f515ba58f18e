"""The slots of a queue that several of its partitions take from."""

import asyncio

from tidings_worker.queue.queue_capacity import Capacity
from tidings_worker.queue.slots import PooledSlots

TIER = "standard"


async def test_partitions_of_a_queue_take_from_the_same_slots() -> None:
    first, second = Capacity(PooledSlots(3), {}), Capacity(PooledSlots(3), {})
    assert [first.shared, second.shared] == [False, False]
    second.share(first)
    assert [first.shared, second.shared] == [True, True]
    taken = first.reserve_all(TIER, 2)
    assert await second.room(TIER) == 1
    second.reserve_all(TIER, 1)
    waiting = [asyncio.ensure_future(one.room(TIER)) for one in (first, second)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    first.give_up(taken)
    assert await asyncio.gather(*waiting) == [2, 2], "a slot that is freed in one is room in each"
