"""A saga without workers: the test does itself what a worker would, on a real store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from tidings.protocol.steps import StepHead, StepStatus, StepType, encode_head
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, Started
from tidings.store.jobs.job_store import JobRecord, JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.saga_store import SagaStore, StepWrite
from tidings_worker.saga.journal import Journal


class World:
    """A queue, `p`, with a saga in it, and another, `c`, for its children."""

    def __init__(
        self, store: Redis, saga: SagaStore, gateway: JobStore, worker: AttemptStore, queue: str = "p"
    ) -> None:
        self.store = store
        self.saga = saga
        self.gateway = gateway
        self.worker = worker
        self.queue = queue
        self.token = new_token(queue)
        self.fence = 0
        self._number = 0

    async def submit(self, **fields: Any) -> None:
        await self.gateway.submit(self.queue, NewJob(self.token.id, "k", "normal", "[]", watch=0, **fields))

    async def start(self) -> Started:
        entries = await self.worker.take(["normal"], 1, 1000)
        (started,) = await self.worker.start(entries)
        self.fence = started.fence
        self._number = 0
        return started

    async def write(self, path: str = "1", /, **fields: Any) -> str:
        """Write a step: fields of its head, and `outcome`, `due_ms`, `fence`."""
        step = {name: fields.pop(name) for name in ("outcome", "due_ms", "input") if name in fields}
        fence = fields.pop("fence", self.fence)
        head = StepHead(**{"status": StepStatus.RUNNING, "name": "s", "type": StepType.STEP, **fields})
        text = encode_head(head).decode()[:-1]
        tail = '"event":"step","status":"running","data":{}}'
        item = StepWrite(self.token.id, fence, path, text, ended=int(head.ok is not None), tail=tail, **step)
        return (await self.saga.write(self.queue, item)).answer

    async def end(self, outcome: AttemptOutcome) -> str:
        self._number += 1
        report = AttemptReport(self.token.id, self.fence, self._number)
        report.outcome = outcome
        return await self.worker.report(report)

    async def record(self) -> JobRecord:
        return await self.gateway.read(self.token)

    async def field(self, name: str) -> Any:
        value: Any = await self.store.hget(StoreKeys().job(self.queue, self.token.id), name)
        return value

    async def journal(self) -> Journal:
        return Journal((await self.saga.read(self.queue, self.token.id, self.fence)).fields)

    async def child(self, path: str = "1") -> Token:
        """Begin a call: the step, and the child that lies queued."""
        token = new_token("c")
        await self.write(path, type=StepType.CALL, child=str(token), owes=1, kind="k")
        await self.make(token, path)
        return token

    async def make(self, token: Token, path: str = "1") -> str:
        job = NewJob(token.id, "k", "normal", "[]", watch=0, parent=f"{self.token} {path}")
        return (await self.gateway.submit("c", job)).answer


@asynccontextmanager
async def running(store: Redis, queue: str = "p") -> AsyncIterator[World]:
    keys = StoreKeys()
    async with (
        SagaStore(store, keys) as saga,
        JobStore(store, keys, "g", JobStoreOptions(max_backlog=1)) as gateway,
        AttemptStore(store, keys, queue, "w") as worker,
    ):
        await worker.join(["normal"])
        world = World(store, saga, gateway, worker, queue)
        yield world
