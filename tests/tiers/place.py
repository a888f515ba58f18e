"""One partition as a test of tiers uses it: a gateway, two workers, and what they do step by step."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.broker.census import take_census
from tidings.broker.connection import command
from tidings.broker.gateway import GatewayStore, NewJob, Submitted
from tidings.broker.keys import Keys
from tidings.broker.registry import Registry
from tidings.broker.worker import Entry, Outcome, Report, Rules, Started, WorkerStore
from tidings.contract.kind import KindRecord
from tidings.contract.problem import problem
from tidings.contract.state import State
from tidings.contract.token import Token, mint

KEYS = Keys()
TIER = "standard"
READY = KEYS.ready("p", TIER)
FLOW = KEYS.flow("p", TIER)
DIRECT = 8
DONE = Outcome(State.SUCCEEDED, "result", "1", '"event":"succeeded","status":"succeeded","data":{"result":1}}')
PROBLEM = msgspec.json.encode(problem("rejected", "no")).decode()
FAILED = Outcome(
    State.FAILED, "problem", PROBLEM, f'"event":"failed","status":"failed","data":{{"problem":{PROBLEM}}}}}'
)
RETRY = Outcome(State.SCHEDULED, "problem", "{}", '"event":"retrying","status":"scheduled","data":{}}')
BACK = Outcome(State.QUEUED, "", "", '"event":"queued","status":"queued","data":{}}', uncounted=1)

Held = tuple[Entry, Started]


class Place:
    """A gateway and two workers on one partition."""

    def __init__(self, store: Redis, gateway: GatewayStore, first: WorkerStore, second: WorkerStore) -> None:
        self.store = store
        self.gateway = gateway
        self.first = first
        self.second = second

    async def submit(self, count: int, caller: str = "", **fields: Any) -> list[Submitted]:
        fields = {"watch": 0, "envelope": '["k",{}]', "tier": TIER, "kind": "k", **fields}
        made = [NewJob(id=mint("p").id, caller=caller, **fields) for _ in range(count)]
        answers: list[Awaitable[Submitted]] = [self.gateway.submit("p", job) for job in made]
        return [await answer for answer in answers]

    async def take(self, most: int, spare: int = 0, *, tier: str = TIER) -> list[Held]:
        """Take and start as a worker with that many free slots does."""
        return await self.start(await self.first.take([tier], most, 0), spare, self.first)

    async def start(self, entries: list[Entry], spare: int, worker: WorkerStore, call: str = "") -> list[Held]:
        answers = await worker.start(entries, call, {TIER: spare})
        drawn = [answer.drawn for answer in answers if answer.drawn is not None]
        return [(entry, answer) for entry, answer in zip([*entries, *drawn], answers, strict=True) if answer.go]

    async def end(self, held: Held, outcome: Outcome = DONE) -> str:
        entry, started = held
        report = Report(entry.id, started.fence, 1)
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
        return (await take_census(self.store, KEYS)).queues[0].waiting

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
async def place_in(store: Redis, rules: Rules | None = None, direct: int = DIRECT) -> AsyncIterator[Place]:
    async with (
        GatewayStore(store, KEYS, "g", direct_per_caller=direct) as gateway,
        WorkerStore(store, KEYS, "p", "w1", rules=rules) as first,
        WorkerStore(store, KEYS, "p", "w2", rules=rules) as second,
    ):
        await first.join([TIER])
        yield Place(store, gateway, first, second)
