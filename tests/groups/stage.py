"""A partition with groups as tests use it: jobs that come and end, and workers of groups that take their events."""

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from redis.asyncio import Redis

from tidings.protocol.event_pattern import TERMINAL_EVENTS, EventPattern
from tidings.protocol.events import EventClass, EventName
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, ReadyEntry, Started
from tidings.store.groups.group_store import EventOutcome, EventReport, GroupStore, JoinReply, StreamBounds, TakenEvent
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tiers.place import DONE

KEYS = StoreKeys()
TIER = "standard"
BOUNDS = StreamBounds(max_age_s=3600, max_bytes=16_777_216)
LEASE_S = 30.0

Held = tuple[ReadyEntry, Started]


class Seen(NamedTuple):
    """An event as a test compares it."""

    job: str
    name: str


class Stage:
    """One partition: a gateway, a worker of jobs, and two of groups."""

    def __init__(self, store: Redis, gateway: JobStore, jobs: AttemptStore) -> None:
        self.store = store
        self.partition = jobs.partition
        self.gateway = gateway
        self.jobs = jobs
        self.first = GroupStore(store, KEYS, self.partition, "w1")
        self.second = GroupStore(store, KEYS, self.partition, "w2")
        self._numbers: dict[str, int] = {}

    # Jobs.

    async def submit(self, count: int = 1, kind: str = "k", **fields: Any) -> list[str]:
        fields = {"envelope": f'["{kind}",{{}}]', "tier": TIER, "watch": 0, **fields}
        made = [NewJob(id=new_token(self.partition).id, kind=kind, **fields) for _ in range(count)]
        answers = [self.gateway.submit(self.partition, job) for job in made]
        return [(await answer).id for answer in answers]

    async def start(self, most: int = 100) -> dict[str, Held]:
        entries = await self.jobs.take([TIER], most, 0)
        answers = await self.jobs.start(entries, secrets.token_hex(4), {TIER: 0})
        return {entry.id: (entry, answer) for entry, answer in zip(entries, answers, strict=True) if answer.go}

    async def report(self, held: Held, *events: tuple[EventClass, str], outcome: AttemptOutcome | None = None) -> str:
        entry, started = held
        number = self._numbers[entry.id] = self._numbers.get(entry.id, 0) + 1
        report = AttemptReport(entry.id, started.fence, number)
        report.events.extend(events)
        if outcome is not None:
            report.outcome = outcome
        return await self.jobs.report(report)

    async def finish(self, count: int = 1, kind: str = "k", outcome: AttemptOutcome = DONE, **fields: Any) -> list[str]:
        """Have some jobs end; return their ids in the order in which they ended."""
        await self.submit(count, kind, **fields)
        held = await self.start(count)
        for one in held.values():
            assert await self.report(one, outcome=outcome) == "ok"
        return list(held)

    # Groups.

    async def join(
        self,
        group: str,
        kinds: str = "*",
        events: Sequence[str] = TERMINAL_EVENTS,
        *,
        bounds: StreamBounds = BOUNDS,
    ) -> JoinReply:
        """Join a group; the library that this process uses knows of it at once."""
        return await self.first.join(group, [EventPattern.of(kinds, events)], bounds)

    async def take(
        self,
        group: str,
        most: int = 100,
        *,
        worker: GroupStore | None = None,
        held: Sequence[str] = (),
        lease_s: float = LEASE_S,
        kinds: str = "*",
    ) -> list[TakenEvent]:
        serves = [EventPattern.of(kinds, tuple(EventName))]
        reply = await (worker or self.first).take(group, serves, held, lease_s, most)
        assert reply.state == "ok", reply
        return reply.events

    async def settle(
        self, group: str, event: TakenEvent, verdict: EventOutcome = EventOutcome.DONE, *, delay_ms: int = 0,
        worker: GroupStore | None = None,
    ) -> str:  # fmt: skip
        settled = EventReport(event.job, event.entry, event.tries, verdict, delay_ms, "{}")
        return (await (worker or self.first).settle(group, [settled]))[0]

    async def drain(self, group: str) -> list[Seen]:
        """Handle all that a group can take; return it in order."""
        found: list[Seen] = []
        while events := await self.take(group):
            for event in events:
                found.append(Seen(event.job, event.name))
                assert await self.settle(group, event) in ("ok", "next")
        return found

    async def drain_from(self, event: TakenEvent, group: str) -> list[Seen]:
        """Handle an event in hand, and then all that follows."""
        assert await self.settle(group, event) in ("ok", "next")
        return [Seen(event.job, event.name), *await self.drain(group)]

    def token(self, job: str) -> Token:
        return Token(self.partition, job)


def seen(events: Sequence[TakenEvent]) -> list[Seen]:
    return [Seen(event.job, event.name) for event in events]


def frame_of(event: TakenEvent) -> dict[str, Any]:
    return dict(json.loads(event.frame))


@asynccontextmanager
async def stage_in(store: Redis, *groups: tuple[str, str]) -> AsyncIterator[Stage]:
    """Yield a partition that no test before has used, with groups (name and pattern of kinds) that joined first."""
    partition = f"p{secrets.token_hex(6)}"
    fresh = GroupStore(store, KEYS, partition, "w1")
    for group, kinds in groups:
        await fresh.join(group, [EventPattern.of(kinds)], BOUNDS)
    async with JobStore(store, KEYS, "g") as gateway, AttemptStore(store, KEYS, partition, "worker") as jobs:
        await jobs.join([TIER])
        yield Stage(store, gateway, jobs)
