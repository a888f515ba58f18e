"""One partition as a test of tiers uses it: a gateway, two workers, and what they do step by step."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.admin.queue_stats import read_queue_stats
from tidings.store.attempts.attempt_store import (
    AttemptOutcome,
    AttemptReport,
    AttemptStore,
    ReadyEntry,
    Started,
    StartRules,
)
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob, SubmitReply
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry

KEYS = StoreKeys()
TIER = "standard"
READY = KEYS.ready("p", TIER)
FLOW = KEYS.flow("p", TIER)
DIRECT = 8
DONE = AttemptOutcome(State.SUCCEEDED, "result", "1")
PROBLEM = msgspec.json.encode(problem("rejected", "no")).decode()
FAILED = AttemptOutcome(State.FAILED, "problem", PROBLEM)
RETRY = AttemptOutcome(State.SCHEDULED, "problem", "{}", "retrying")
BACK = AttemptOutcome(State.QUEUED, uncounted=1)

Held = tuple[ReadyEntry, Started]


class Place:
    """A gateway and two workers on one partition."""

    def __init__(self, store: Redis, gateway: JobStore, first: AttemptStore, second: AttemptStore) -> None:
        self.store = store
        self.gateway = gateway
        self.first = first
        self.second = second

    async def submit(self, count: int, caller: str = "", **fields: Any) -> list[SubmitReply]:
        fields = {"watch": 0, "envelope": '["k",{}]', "tier": TIER, "kind": "k", **fields}
        made = [NewJob(id=new_token("p").id, caller=caller, **fields) for _ in range(count)]
        answers: list[Awaitable[SubmitReply]] = [self.gateway.submit("p", job) for job in made]
        return [await answer for answer in answers]

    async def take(self, most: int, spare: int = 0, *, tier: str = TIER) -> list[Held]:
        """Take and start as a worker with that many free slots does."""
        return await self.start(await self.first.take([tier], most, 0), spare, self.first)

    async def start(self, entries: list[ReadyEntry], spare: int, worker: AttemptStore, call: str = "") -> list[Held]:
        answers = await worker.start(entries, call, {TIER: spare})
        drawn = [answer.drawn for answer in answers if answer.drawn is not None]
        return [(entry, answer) for entry, answer in zip([*entries, *drawn], answers, strict=True) if answer.go]

    async def end(self, held: Held, outcome: AttemptOutcome = DONE) -> str:
        entry, started = held
        report = AttemptReport(entry.id, started.fence, 1)
        report.outcome = outcome
        return await self.first.report(report)

    async def drain(self) -> list[str]:
        """Run everything, one job at a time; return the ids in the order of their starts."""
        order: list[str] = []
        while entries := await self.first.take([TIER], 1, 0):
            for one in await self.start(entries, 0, self.first):
                order.append(one[0].id)
                assert await self.end(one) == "ok"
        return order

    async def waiting(self) -> int:
        """Return how many jobs wait, as `tidings status` says."""
        raw = msgspec.Raw(b"{}")
        await Registry(self.store, KEYS).register([KindRecord(kind="k", queue="p", input=raw, result=raw)])
        return (await read_queue_stats(self.store, KEYS)).queues[0].waiting

    async def lanes(self) -> str:
        return (await command(self.store, "HGET", FLOW, "lanes") or b"").decode()

    async def state(self, job: str) -> str:
        return (await self.gateway.read(Token("p", job))).state

    async def now(self) -> int:
        seconds, micros = await command(self.store, "TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def drains_at(self, rate: float, tier: str = TIER) -> None:
        """Have the tier's rate measured just now, jobs a second."""
        await command(self.store, "HSET", KEYS.flow("p", tier), "since", await self.now(), "count", 0, "rate", rate)


@asynccontextmanager
async def place_in(store: Redis, rules: StartRules | None = None, direct: int = DIRECT) -> AsyncIterator[Place]:
    async with (
        JobStore(store, KEYS, "g", JobStoreOptions(direct_per_caller=direct)) as gateway,
        AttemptStore(store, KEYS, "p", "w1", rules=rules) as first,
        AttemptStore(store, KEYS, "p", "w2", rules=rules) as second,
    ):
        await first.join([TIER])
        yield Place(store, gateway, first, second)
