"""SAQ. Its worker waits for jobs in the store; `Queue.apply()` polls, tuned down from 0.5 s."""

import asyncio
from typing import Any, Final

import uvloop
from redis.asyncio import Redis
from saq.queue.redis import RedisQueue

from .queue import batches
from .settings import CONNECTIONS, POLL_S, SHARED_CHANNEL, SLOTS, STORE_URL
from .story import tell

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # SAQ takes the loop that the policy gives

BATCH: Final = 100
"""Jobs queued at once where there is no call for many."""

OPERATIONS: Final = 100
"""What `max_concurrent_ops` lets through at a time; 20 as it comes."""


async def work(context: dict[str, Any], *, kind: str, token: str) -> None:
    """Do a job that tells."""
    await tell(context["worker"].queue.redis, kind, token, shared=SHARED_CHANNEL)


async def nothing(_context: dict[str, Any]) -> None:
    """Do nothing."""


async def sweep_first(context: dict[str, Any]) -> None:
    """Sweep before any job is taken; the next sweep is in 60 s.

    A sweep aborts what was taken and is not marked as running yet, and the worker's own first one
    runs beside its first jobs.
    """
    await context["worker"].queue.sweep()


class SaqQueue:
    """The queue."""

    def __init__(self) -> None:
        self.saq = RedisQueue(Redis.from_url(STORE_URL, max_connections=CONNECTIONS), max_concurrent_ops=OPERATIONS)

    async def open(self) -> None:
        """Connect."""
        await self.saq.connect()

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells."""
        await self.saq.enqueue("work", key=token, kind=kind, token=token)

    async def enqueue_many(self, count: int) -> None:
        """Queue jobs, many calls at a time: there is no call for many."""
        for size in batches(count, BATCH):
            await asyncio.gather(*(self.saq.enqueue("nothing") for _ in range(size)))

    async def call(self) -> None:
        """Queue a job and poll for its result."""
        await self.saq.apply("nothing", poll_interval=POLL_S)

    async def unfinished(self) -> int:
        """Count: a job stays among the incomplete until it is done."""
        return int(await self.saq.count("incomplete"))


queue = SaqQueue()

settings = {"queue": queue.saq, "functions": [work, nothing], "concurrency": SLOTS, "startup": sweep_first}
"""What `saq bench.glue.saq.settings` runs."""
