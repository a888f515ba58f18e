"""A worker's breakers in a process of their own: it calls without a pause, and says when it is kept out, and let in.

`python -m bench.breaker.caller URL`; each line is `open` or `closed` and the time, s by this machine's monotonic clock.
"""

import asyncio
import sys
import time

import anyio
import uvloop

from tidings import Breaker, CircuitOpenError
from tidings.circuit.call_guard import CallResult
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.redis.subscription import Subscription
from tidings_worker.circuit.worker_breakers import WorkerBreakers

MEASURED = Breaker("measured", min_calls=20, open_for=3_600)


async def call(url: str) -> None:
    """Call until the process is ended."""
    store, listening = open_store(url), open_store(url, timeout=None)
    async with BreakerStore(store, StoreKeys()) as steps, anyio.create_task_group() as tasks:
        breakers = WorkerBreakers(steps, [], "b", 10)
        subscription = Subscription(
            listening,
            store,
            StoreKeys().probe("b"),
            lambda _, data: breakers.take_announcement(data),
            breakers.reopened,
        )
        tasks.start_soon(subscription.run)
        tasks.start_soon(breakers.run, 2)
        await subscription.keep(StoreKeys().breakers_changed)
        state = ""
        while True:
            try:
                breakers.leave(await breakers.enter(MEASURED), CallResult.VOID, "k", "")
                now = "closed"
            except CircuitOpenError:
                now = "open"
            if now != state:
                state = now
                print(state, time.monotonic(), flush=True)
            await asyncio.sleep(0.0001)


if __name__ == "__main__":
    uvloop.run(call(sys.argv[1]))
