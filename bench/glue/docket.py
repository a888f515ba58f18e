"""Docket. Its worker waits for jobs in a stream of the store; `Execution.get_result()` waits by pub/sub."""

from typing import Final

import uvloop
from docket import Docket, Worker
from redis.asyncio import Redis

from .settings import CONNECTIONS, SHARED_CHANNEL, SLOTS, STORE_URL
from .story import tell

NAME: Final = "bench"


class _Wire:
    """The client of the store by which this process publishes, once it has an event loop."""

    redis: "Redis | None" = None

    @classmethod
    def client(cls) -> Redis:
        """Return it."""
        if cls.redis is None:
            cls.redis = Redis.from_url(STORE_URL, max_connections=CONNECTIONS)
        return cls.redis


async def work(kind: str, token: str) -> None:
    """Do a job that tells."""
    await tell(_Wire.client(), kind, token, shared=SHARED_CHANNEL)


async def nothing() -> int:
    """Do nothing."""
    return 0


class DocketQueue:
    """The queue."""

    def __init__(self) -> None:
        self.docket = Docket(NAME, STORE_URL)

    async def open(self) -> None:
        """Connect."""
        await self.docket.__aenter__()
        self.docket.register(work)
        self.docket.register(nothing)

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells."""
        await self.docket.add(work, key=token)(kind, token)

    async def enqueue_many(self, count: int) -> None:
        """Queue jobs by the call for many, which sends a thousand at a time."""
        await self.docket.add_many(self.docket.call(nothing)() for _ in range(count))

    async def call(self) -> None:
        """Queue a job and wait for its result."""
        execution = await self.docket.add(nothing)()
        await execution.get_result()

    async def unfinished(self) -> int:
        """Count: a job's message stays in the stream until it is done."""
        async with self.docket.redis() as store:
            return int(await store.xlen(self.docket.stream_key))


queue = DocketQueue()


async def _run() -> None:
    await queue.open()
    async with Worker(queue.docket, concurrency=SLOTS) as worker:
        await worker.run_forever()


if __name__ == "__main__":
    uvloop.run(_run())
