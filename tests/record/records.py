"""A store with a gateway and two workers: one leaves compact records, one does not."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from redis.asyncio import Redis

from tidings.protocol.events import EventClass
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_records import ReportedEvent, ReportLimits
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, ReadyEntry, Started
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

KEYS = StoreKeys()
DONE = AttemptOutcome(State.SUCCEEDED, "result", '{"ok":true}')
PROGRESS = (EventClass.PROGRESS, '{"fraction":0.5}')
LOG = (EventClass.LOG, '"a line"')


class Begun(NamedTuple):
    """An attempt under way."""

    entry: ReadyEntry
    started: Started


class Records:
    """One queue, `p`."""

    def __init__(self, store: Redis, gateway: JobStore, compact: AttemptStore, plain: AttemptStore) -> None:
        self.store = store
        self.gateway = gateway
        self.compact = compact
        self.plain = plain

    async def submit(self, **fields: object) -> Token:
        token = new_token("p")
        job = NewJob(token.id, "k", "standard", '["k",{}]', **{"watch": 0, **fields})  # type: ignore[arg-type]
        assert (await self.gateway.submit("p", job)).answer == "new"
        return token

    async def start(self, worker: AttemptStore | None = None) -> Begun:
        (entry,) = await (worker or self.compact).take(["standard"], 1, 1000)
        (started,) = await (worker or self.compact).start([entry])
        assert started.go
        return Begun(entry, started)

    async def report(
        self,
        begun: Begun,
        outcome: AttemptOutcome | None = None,
        events: Sequence[ReportedEvent] = (),
        *,
        number: int = 1,
        worker: AttemptStore | None = None,
    ) -> str:
        """Report, and return the store's answer."""
        report = AttemptReport(begun.entry.id, begun.started.fence, number)
        report.outcome = outcome
        report.events += events
        report.has_streams = any(type(event) is not tuple for event in events)
        return await (worker or self.compact).report(report)

    async def succeed(
        self,
        outcome: AttemptOutcome = DONE,
        events: Sequence[ReportedEvent] = (),
        worker: AttemptStore | None = None,
        **fields: object,
    ) -> Token:
        """Submit a job and have it succeed."""
        token = await self.submit(**fields)
        assert await self.report(await self.start(worker), outcome, events, worker=worker) == "ok"
        return token

    async def form(self, token: Token) -> str:
        """Return the type of what holds a job's record."""
        kind: bytes = await command(self.store, "TYPE", KEYS.job("p", token.id))
        return kind.decode()


@asynccontextmanager
async def records(store: Redis) -> AsyncIterator[Records]:
    """Open them. (No fixture: their task groups want one task.)"""
    async with (
        JobStore(store, KEYS, "g") as gateway,
        AttemptStore(store, KEYS, "p", "compact", limits=ReportLimits(compact=True)) as compact,
        AttemptStore(store, KEYS, "p", "plain") as plain,
    ):
        await compact.join(["standard"])
        yield Records(store, gateway, compact, plain)
