import asyncio
import time

import pytest
from bench.load.alarm import Alarm

from support.timeouts import scaled


@pytest.mark.parametrize("moment", [0.0, 0.02])
async def test_it_rings_once_for_each_time_it_is_set_and_not_before(moment: float) -> None:
    rung: asyncio.Queue[float] = asyncio.Queue()
    alarm = Alarm(lambda: rung.put_nowait(time.perf_counter()))
    try:
        for _ in range(2):
            due = time.perf_counter() + moment if moment else 0.0
            alarm.set(due)
            async with asyncio.timeout(scaled(10)):
                assert await rung.get() >= due
            assert rung.empty()
    finally:
        alarm.close()
