"""Recurring jobs: one worker's part in seeing that each kind's next run lies in the schedule."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import anyio
import msgspec

from tidings.declare.job import Job
from tidings.declare.schedule import Schedule, tick_name
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import new_token
from tidings.store.attempts.attempt_store import AttemptStore, NextRun
from tidings.webhook.webhook_terms import field_of_kind

CHECK_EVERY_S = 60.0
"""A worker looks at least this often: a store that lost its data has forgotten the ticks, and a worker of an older
release that still runs schedules runs that the newer one has taken back."""

NO_INPUT = msgspec.Raw(b"{}")

AskStoreForTicks = Callable[..., Awaitable[tuple[int, int]]]
"""Asks the store until it answers."""


class Recurring:
    """The recurring kinds of one queue."""

    def __init__(self, store: AttemptStore, jobs: Collection[Job[Any, Any]], ask: AskStoreForTicks) -> None:
        self._store = store
        self._with = [(job, job.schedule) for job in jobs if job.schedule is not None]
        self._without = [NextRun(job.kind) for job in jobs if job.schedule is None]
        self._ask = ask

    async def run(self) -> None:
        """Keep the next runs in the schedule, and no others, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep, name="next runs")
            tasks.start_soon(self._take_back, name="runs no longer wanted")

    async def _keep(self) -> None:
        while self._with:
            now, _ = await self._ask(self._store.recur, [])
            now, tick = await self._ask(self._store.recur, [self._next(*one, now) for one in self._with])
            await anyio.sleep(min(max(tick - now, 1) / 1000, CHECK_EVERY_S))

    async def _take_back(self) -> None:
        """Take back what a kind that recurs no longer left behind."""
        while self._without:
            await self._ask(self._store.recur, self._without)
            await anyio.sleep(CHECK_EVERY_S)

    def _next(self, job: Job[Any, Any], schedule: Schedule, now: int) -> NextRun:
        tick = schedule.next_tick(now)
        name = tick_name(tick)
        envelope = Envelope(kind=job.kind, input=NO_INPUT, version=job.policy.version, correlation_id=name)
        return NextRun(
            kind=job.kind,
            tick_ms=tick,
            spec=schedule.spec,
            id=new_token(self._store.partition).id,
            tier=job.tier,
            envelope=encode_envelope(envelope).decode(),
            correlation_id=name,
            webhook=field_of_kind(job.policy.webhook),
        )
