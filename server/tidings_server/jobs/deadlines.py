"""Deadlines: every server ends jobs whose deadline passes, also where no worker serves their kind.

A server knows the deadlines of the jobs that it accepted, and asks the store when the first of a queue passes. For the
jobs of other servers, which may be gone, it asks for each queue now and then; workers do as well (`promote.lua`).
"""

import asyncio
import time
from collections.abc import Callable, Iterable

import anyio

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.job_store import JobStore

ROUND_S = 10.0
"""The shortest time between two rounds through all queues."""

PACE_S = 0.02
"""Time between two queues of a round: ten thousand queues must not become a load."""

AT_ONCE = 500
"""Jobs that end in one call."""


class DeadlineExpiry:
    """The next deadline of each queue, as far as this process knows."""

    def __init__(self, store: JobStore, partitions: Callable[[], Iterable[str]]) -> None:
        """Prepare.

        Args:
            store: ends the jobs.
            partitions: returns the queues.

        """
        self._store = store
        self._partitions = partitions
        self._next: dict[str, float] = {}
        """When the first deadline of a queue comes, by the monotonic clock."""
        self._earlier = asyncio.Event()

    def note(self, partition: str, wait_ms: int) -> None:
        """Take note of the time until the deadline of a job."""
        due = time.monotonic() + wait_ms / 1000
        if due < self._next.get(partition, float("inf")):
            self._next[partition] = due
            self._earlier.set()

    async def run(self) -> None:
        """End jobs whose deadline passes, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._rounds, name="rounds of deadlines")
            while True:
                self._earlier.clear()
                first = min(self._next.values(), default=float("inf"))
                with anyio.move_on_after(min(max(first - time.monotonic(), 0.0), ROUND_S)):
                    await self._earlier.wait()
                now = time.monotonic()
                for partition in [partition for partition, due in self._next.items() if due <= now]:
                    await self._expire(partition)

    async def _rounds(self) -> None:
        while True:
            for partition in list(self._partitions()):
                await self._expire(partition)
                await anyio.sleep(PACE_S)
            await anyio.sleep(ROUND_S)

    async def _expire(self, partition: str) -> None:
        self._next.pop(partition, None)
        try:
            wait_ms = await self._store.expire(partition, AT_ONCE)
        except StoreError:
            wait_ms = int(store_retry_delay(1) * 1000)
        if wait_ms >= 0:
            # The store's clock counts, which may be a little behind.
            self.note(partition, max(wait_ms, 1))
