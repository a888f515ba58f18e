"""Celery with the store as broker and as result backend. It knows no asyncio: its calls block the server."""

import asyncio
import time
from typing import Final

from celery import Celery, group
from redis import Redis

from .queue import batches
from .settings import SHARED_CHANNEL, STORE_URL
from .story import posts

BATCH: Final = 1_000
"""Jobs in one group."""

CALL_TIMEOUT_S: Final = 30.0

app = Celery("bench", broker=STORE_URL, backend=STORE_URL)
app.conf.update(
    worker_prefetch_multiplier=64,  # the guide on optimising: 50 to 150 for many short tasks; 4 as it comes
    task_default_queue="celery",
)
_store = Redis.from_url(STORE_URL)


@app.task(name="work", ignore_result=True)
def work(kind: str, token: str) -> None:
    """Do a job that tells."""
    for post in posts(kind, token, shared=SHARED_CHANNEL):
        time.sleep(post.pause_s)
        _store.publish(post.channel, post.message)


@app.task(name="nothing")
def nothing() -> None:
    """Do nothing."""


class CeleryQueue:
    """The queue."""

    async def open(self) -> None:
        """Connect at the first call."""

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells; called as tutorials do, on the event loop: a thread for each call costs more."""
        work.apply_async((kind, token), task_id=token)

    async def enqueue_many(self, count: int) -> None:
        """Queue jobs as groups."""
        for size in batches(count, BATCH):
            await asyncio.to_thread(group(nothing.s() for _ in range(size)).apply_async)

    async def call(self) -> None:
        """Queue a job and wait for its result, which pub/sub announces."""
        nothing.delay().get(timeout=CALL_TIMEOUT_S)

    async def unfinished(self) -> int:
        """Count: what waits, and what a worker took and did not acknowledge."""
        return int(_store.llen("celery")) + int(_store.hlen("unacked"))


queue = CeleryQueue()
