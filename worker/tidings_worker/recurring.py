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
"""It is looked at least this often: a store that lost its data has forgotten the ticks."""

NO_INPUT = msgspec.Raw(b"{}")

Try = Callable[..., Awaitable[tuple[int, int]]]
"""Asks the store until it answers."""


class Recurring:
    """The recurring kinds of one queue."""

    def __init__(self, store: WorkerStore, jobs: Iterable[Job[Any, Any]], ask: Try) -> None:
        self._store = store
        self._jobs = list(jobs)
        self._ask = ask

    async def run(self) -> None:
        """Keep the next runs in the schedule until cancelled."""
        now, _ = await self._ask(self._store.recur, [])
        jobs = self._jobs  # at first all: one that recurs no longer may have left a run behind
        while True:
            now, tick = await self._ask(self._store.recur, [self._next(job, now) for job in jobs])
            jobs = [job for job in self._jobs if job.schedule is not None]
            if not jobs:
                return
            await anyio.sleep(min(max(tick - now, 1) / 1000, LOOK_S))
            now, _ = await self._ask(self._store.recur, [])

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
