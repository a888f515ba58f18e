"""taskiq with taskiq-redis: a stream broker; `wait_result()` polls its result backend, tuned down from 0.2 s."""

import asyncio
from typing import Final

from redis.asyncio import Redis
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from .queue import batches
from .settings import CONNECTIONS, POLL_S, SHARED_CHANNEL, STORE_URL
from .story import tell

BATCH: Final = 100
"""Jobs queued at once where there is no call for many."""

CALL_TIMEOUT_S: Final = 30.0

_results = RedisAsyncResultBackend(STORE_URL, result_ex_time=3600, max_connection_pool_size=CONNECTIONS)

broker = RedisStreamBroker(STORE_URL, max_connection_pool_size=CONNECTIONS).with_result_backend(_results)
"""What `taskiq worker bench.glue.taskiq:broker` runs."""

_store = Redis.from_url(STORE_URL, max_connections=CONNECTIONS)


@broker.task
async def work(kind: str, token: str) -> None:
    """Do a job that tells."""
    await tell(_store, kind, token, shared=SHARED_CHANNEL)


@broker.task
async def nothing() -> None:
    """Do nothing."""


class TaskiqQueue:
    """The queue."""

    async def open(self) -> None:
        """Connect; this makes the stream and its group as well."""
        await broker.startup()

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells."""
        await work.kiq(kind, token)

    async def enqueue_many(self, count: int) -> None:
        """Queue jobs, many calls at a time: there is no call for many."""
        for size in batches(count, BATCH):
            await asyncio.gather(*(nothing.kiq() for _ in range(size)))

    async def call(self) -> None:
        """Queue a job and poll for its result."""
        job = await nothing.kiq()
        await job.wait_result(check_interval=POLL_S, timeout=CALL_TIMEOUT_S)

    async def unfinished(self) -> int:
        """Count: what the group was not given yet, and what it did not acknowledge."""
        (group,) = await _store.xinfo_groups(broker.queue_name)
        return int(group["lag"] or 0) + int(group["pending"])


queue = TaskiqQueue()
