"""A saga without a store: an attempt and a journal that the test sees through."""

import asyncio
from typing import Any, cast

import anyio
import msgspec

from tidings import Context, job
from tidings.context.context import Sink
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.problems import Problem
from tidings.store.answers import JournalAnswer
from tidings.store.saga_store import JournalRead, SagaStore, StepWrite, StepWriteReply
from tidings_worker.saga.children import Children
from tidings_worker.saga.journal_client import JournalClient
from tidings_worker.saga.saga import Saga, SagaServices

TOKEN = "orders." + "x" * 22


class StandInHost:
    """An attempt that only takes notes."""

    def __init__(self, fence: int = 1) -> None:
        self.cancelled = False
        self.token = TOKEN
        self.fence = fence
        self.handler_task: asyncio.Task[Any] | None = None

    def stop(self, reason: str) -> None:
        self.cancelled = True

    def refuse(self, refused: Problem) -> None:
        raise AssertionError(refused)


class StandInStore:
    """A journal in memory, which takes every write."""

    def __init__(self, *fields: str) -> None:
        self.fields = list(fields)
        self.written: list[StepWrite] = []

    def read(self, partition: str, job: str, fence: int, *, apart: bool = False) -> "asyncio.Future[JournalRead]":
        return _done(JournalRead(JournalAnswer.OK, 0, fields=self.fields))

    def write(self, partition: str, step: StepWrite, *, apart: bool = False) -> "asyncio.Future[StepWriteReply]":
        self.written.append(step)
        return _done(StepWriteReply(JournalAnswer.OK, 0))


def _done(reply: Any) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(reply)
    return future


@job
async def handles(ctx: Context) -> None:
    """Stands for the saga's kind."""


def saga_of(host: StandInHost) -> Saga:
    """Return a saga that has nothing but its host."""
    services = SagaServices(
        cast("SagaStore", StandInStore()), cast("Children", None), anyio.CapacityLimiter(1), "worker"
    )
    return Saga(
        host,
        cast("Sink", None),
        services,
        handles,
        Envelope(kind="k", input=msgspec.Raw(b"{}"), version=1),
        unwinding=False,
    )


def journal_client_of(host: StandInHost, store: StandInStore) -> JournalClient:
    """Return a client of a journal in memory."""
    return JournalClient(cast("SagaStore", store), host, "worker")
