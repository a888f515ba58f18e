"""Recurring jobs: one worker's part in seeing that each kind's next run lies in the schedule."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anyio
import msgspec

from tidings.broker.worker import NextRun, WorkerStore
from tidings.contract.envelope import Envelope, encode_envelope
from tidings.contract.token import mint
from tidings.job import Job
from tidings.schedule import tick_name

LOOK_S = 60.0
"""It is looked at least this often: a store that lost its data has forgotten the ticks, and an older release that is
still about makes runs that the newer one has taken back."""

NO_INPUT = msgspec.Raw(b"{}")

Try = Callable[..., Awaitable[tuple[int, int]]]
"""Asks the store until it answers."""


class Recurring:
    """The recurring kinds of one queue."""

    def __init__(self, store: WorkerStore, jobs: Iterable[Job[Any, Any]], ask: Try) -> None:
        self._store = store
        self._jobs = list(jobs)
        self._without = [job for job in self._jobs if job.schedule is None]
        self._ask = ask

    async def run(self) -> None:
        """Keep the next runs in the schedule, and no others, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep, name="next runs")
            tasks.start_soon(self._take_back, name="runs no longer wanted")

    async def _keep(self) -> None:
        jobs = [job for job in self._jobs if job.schedule is not None]
        while jobs:
            now, _ = await self._ask(self._store.recur, [])
            now, tick = await self._ask(self._store.recur, [self._next(job, now) for job in jobs])
            await anyio.sleep(min(max(tick - now, 1) / 1000, LOOK_S))

    async def _take_back(self) -> None:
        """Take back what a kind that recurs no longer left behind."""
        while self._without:
            await self._ask(self._store.recur, [self._next(job, 0) for job in self._without])
            await anyio.sleep(LOOK_S)

    def _next(self, job: Job[Any, Any], now: int) -> NextRun:
        tick = job.schedule.next_tick(now) if job.schedule is not None else 0
        name = tick_name(tick)
        envelope = Envelope(kind=job.kind, input=NO_INPUT, version=job.policy.version, correlation_id=name)
        return NextRun(
            kind=job.kind,
            tick_ms=tick,
            spec=job.schedule.spec if job.schedule is not None else "",
            id=mint(self._store.partition).id,
            tier=job.tier,
            envelope=encode_envelope(envelope).decode(),
            correlation_id=name,
        )
