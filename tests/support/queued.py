"""One job in a queue of its own, for tests of what a single script does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from tidings.protocol.events import EventClass
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore, LeaseRenewal, ReadyEntry, Started
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob
from tidings.store.keys import StoreKeys


class Queued:
    """A job that waits, the gateway that submitted it, and two workers."""

    def __init__(self, gateway: JobStore, first: AttemptStore, second: AttemptStore, token: Token) -> None:
        self.gateway = gateway
        self.first = first
        self.second = second
        self.token = token
        self.id = token.id

    async def start(self) -> Started:
        """Have the first worker take and start it."""
        return (await self._start(self.first, await self.first.take(["standard"], 1, 1)))[1]

    async def take_over(self) -> LeaseRenewal:
        """Have the second worker take it from the first; return the beat of its attempt."""
        entry, started = await self._start(self.second, await self.second.take_over("standard", 0, 1))
        return LeaseRenewal(entry.id, started.fence, entry.tier, entry.entry)

    def report(self, fence: int, number: int = 1) -> AttemptReport:
        """Return a report with one log chunk."""
        report = AttemptReport(self.id, fence, number)
        report.events.append((EventClass.LOG, "1"))
        return report

    async def record(self) -> JobRecord:
        """Return what the store knows of it."""
        return await self.gateway.read(self.token)

    async def _start(self, worker: AttemptStore, entries: list[ReadyEntry]) -> tuple[ReadyEntry, Started]:
        (started,) = await worker.start(entries)
        return entries[0], started


@asynccontextmanager
async def one_job(store: Redis) -> AsyncIterator[Queued]:
    """Have a job queued."""
    keys, token = StoreKeys(), new_token("p")
    async with (
        JobStore(store, keys, "g") as gateway,
        AttemptStore(store, keys, "p", "w1") as first,
        AttemptStore(store, keys, "p", "w2") as second,
    ):
        await first.join(["standard"])
        await gateway.submit("p", NewJob(token.id, "k", "standard", "[]"))
        yield Queued(gateway, first, second, token)
