"""streaQ. Its worker waits for jobs in the store, and `HandlerTask.result()` for what the worker publishes."""

from typing import Final

from streaq import Worker

from .queue import batches
from .settings import SHARED_CHANNEL, SLOTS, STORE_URL
from .story import tell

BATCH: Final = 1_000
"""Jobs in one pipeline."""

CALL_TIMEOUT_S: Final = 30

worker = Worker(STORE_URL, concurrency=SLOTS, anyio_kwargs={"use_uvloop": True})
"""What `streaq run bench.glue.streaq:worker` runs."""


@worker.task(ttl=3600)
async def work(kind: str, token: str) -> None:
    """Do a job that tells."""
    await tell(worker.redis, kind, token, shared=SHARED_CHANNEL)


@worker.task(ttl=3600)
async def nothing() -> None:
    """Do nothing."""


class StreaqQueue:
    """The queue."""

    async def open(self) -> None:
        """Connect, and stay so as long as the process lives."""
        await worker.__aenter__()

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells."""
        await work.enqueue(kind, token)

    async def enqueue_many(self, count: int) -> None:
        """Queue jobs in pipelines."""
        for size in batches(count, BATCH):
            await worker.enqueue_many([nothing.enqueue() for _ in range(size)])

    async def call(self) -> None:
        """Queue a job and wait for its result."""
        job = await nothing.enqueue()
        await job.result(CALL_TIMEOUT_S)

    async def unfinished(self) -> int:
        """Count: a job stays in the stream until it is done."""
        return int(await worker.queue_size())


queue = StreaqQueue()
