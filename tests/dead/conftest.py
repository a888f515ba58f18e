"""One world for each test."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis.asyncio import Redis

from dead.world import World
from support.system import system_fixture
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.jobs.job_store import JobStore
from tidings.store.keys import StoreKeys
from tidings.store.registry import Registry

RAW = msgspec.Raw(b"{}")


@pytest.fixture
async def world(store: Redis) -> AsyncIterator[World]:
    keys = StoreKeys()
    await Registry(store, keys).register([KindRecord(kind="k", queue="p", input=RAW, result=RAW)])
    ready: asyncio.Future[World] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def host() -> None:  # a task group must be left by the task that entered it
        async with (
            JobStore(store, keys, "g") as gateway,
            AttemptStore(store, keys, "p", "w1") as first,
            AttemptStore(store, keys, "p", "w2") as second,
        ):
            await first.join(["standard"])
            ready.set_result(World(store, gateway, [first, second]))
            await done.wait()

    task = asyncio.create_task(host())
    yield await ready
    done.set()
    await task


system = system_fixture()
