"""What the tests of sagas ask of the store itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.protocol.steps import Step
from tidings.protocol.tokens import split_token
from tidings.store.jobs.job_store import JobRecord, JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_server.watch.step_timeline import timeline


class Desk:
    """Signals, steps and cancels."""

    def __init__(self, store: Redis) -> None:
        self.store = store

    async def signal(
        self, token: str, name: str, value: Any = None, key: str = "", gateway: JobStore | None = None
    ) -> str:
        """Give a job a signal."""
        text = msgspec.json.encode(value).decode()
        if gateway is not None:
            return await gateway.signal(split_token(token), "", name, key, text)
        async with self.gateway() as own:
            return await own.signal(split_token(token), "", name, key, text)

    async def record(self, token: str) -> JobRecord:
        """Return what the store knows of a job."""
        async with self.gateway() as gateway:
            return await gateway.read(split_token(token))

    async def cancel(self, token: str) -> str:
        """Ask that a job stop."""
        async with self.gateway() as gateway:
            return await gateway.cancel(split_token(token))

    async def steps(self, token: str) -> list[Step]:
        """Return the steps of a job."""
        return timeline((await self.record(token)).steps)

    async def statuses(self, token: str) -> list[tuple[str, str, str]]:
        """Return path, name and status of each step."""
        return [(step.path, step.name, str(step.status)) for step in await self.steps(token)]

    def gateway(self) -> JobStore:
        """Return the store as a server uses it."""
        return JobStore(self.store, StoreKeys(), "desk")


@asynccontextmanager
async def desk_of(url: str) -> AsyncIterator[Desk]:
    """Have one around the body."""
    store = open_store(url)
    yield Desk(store)
    await store.aclose()
