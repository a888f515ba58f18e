import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dead.world import World
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.jobs.job_store import JobStore
from tidings.store.keys import StoreKeys
from tidings.store.webhook_store import WebhookStore
from webhook.deliveries import Deliveries


@pytest.fixture
async def deliveries(store: Redis) -> AsyncIterator[Deliveries]:
    """The deliveries of a queue, of which two may be under way to one place."""
    keys = StoreKeys()
    ready: asyncio.Future[Deliveries] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def host() -> None:  # a task group must be left by the task that entered it
        async with (
            JobStore(store, keys, "g") as gateway,
            AttemptStore(store, keys, "p", "one", chronicle=100) as first,
            AttemptStore(store, keys, "p", "two") as second,
            WebhookStore(store, keys, lease_s=30, per_place=2, max_bytes=100_000) as found,
        ):
            await first.join(["standard"])
            ready.set_result(Deliveries(World(store, gateway, [first, second]), found))
            await done.wait()

    task = asyncio.create_task(host())
    yield await ready
    done.set()
    await task


@pytest.fixture
def world(deliveries: Deliveries) -> World:
    return deliveries.world
