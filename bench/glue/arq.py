"""arq. Its worker polls (`poll_delay`), and so does `Job.result()`; both tuned down from 0.5 s."""

import asyncio
from typing import Any

import uvloop
from arq import ArqRedis, create_pool, func
from arq.connections import RedisSettings
from arq.constants import default_queue_name

from .queue import batches
from .settings import POLL_S, SHARED_CHANNEL, SLOTS, STORE_URL
from .story import tell

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # arq takes the loop that the policy gives

BATCH = 100
"""Jobs queued at once where there is no call for many."""


async def work(context: dict[str, Any], kind: str, token: str) -> None:
    """Do a job that tells."""
    await tell(context["redis"], kind, token, shared=SHARED_CHANNEL)


async def nothing(_context: dict[str, Any]) -> None:
    """Do nothing."""


class WorkerSettings:
    """What `arq bench.glue.arq.WorkerSettings` runs."""

    functions = (func(work), func(nothing))
    redis_settings = RedisSettings.from_dsn(STORE_URL)
    max_jobs = SLOTS
    poll_delay = POLL_S
    log_results = False


class ArqQueue:
    """The queue."""

    def __init__(self) -> None:
        self._store: ArqRedis

    async def open(self) -> None:
        """Connect."""
        self._store = await create_pool(RedisSettings.from_dsn(STORE_URL))

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells."""
        await self._store.enqueue_job("work", kind, token, _job_id=token)

    async def enqueue_many(self, count: int) -> None:
        """Queue jobs, many calls at a time: there is no call for many."""
        for size in batches(count, BATCH):
            await asyncio.gather(*(self._store.enqueue_job("nothing") for _ in range(size)))

    async def call(self) -> None:
        """Queue a job and poll for its result."""
        job = await self._store.enqueue_job("nothing")
        await job.result(poll_delay=POLL_S)

    async def unfinished(self) -> int:
        """Count: a job stays in the sorted set until it is done."""
        return int(await self._store.zcard(default_queue_name))


queue = ArqQueue()
