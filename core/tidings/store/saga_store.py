"""The store as a saga uses it: its journal, its children's ends, and its parent's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis

from tidings.protocol.tokens import Token, split_token

from .answers import JournalAnswer, WakeAnswer
from .availability.retry_delay import store_retry_delay
from .jobs.job_store import MAX_JOURNAL_BYTES
from .keys import StoreKeys
from .redis.batcher import Batcher, Batchers, BatchOptions
from .redis.script import Script
from .redis.store_client import command

Reply = TypeVar("Reply")

MAX_STEPS = 10_000
"""Steps in one journal."""

MAX_RESULT_BYTES = 65_536
"""Size of what a step returns, as JSON."""


class StepWrite(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of `step.lua`, which takes it as a map without the defaults."""

    id: str
    fence: int
    path: str
    head: str
    """JSON text of its `StepHead`, without the closing brace and without what the store adds."""
    input: str = ""
    outcome: str = ""
    due_ms: int = -1
    """From now until its timer; -1: it has none."""
    ended: int = 0
    signal: str = ""
    """`name:n`, whose value is wanted if it has come."""
    tail: str = ""
    """Of the event; empty: there is none."""
    undone: str = ""
    """JSON text of the problem of what undoes it."""


class StepWriteReply(msgspec.Struct, array_like=True, frozen=True):
    """What became of a `StepWrite`."""

    answer: JournalAnswer
    now_ms: int
    woken: int = 0
    owner: str = ""
    remaining_ms: int = 0
    """Until the job's deadline; 0: it has none."""
    signal: str = ""
    """JSON text; empty: it has not come."""


class JournalRead(msgspec.Struct, array_like=True, frozen=True):
    """A journal as it stood at one moment."""

    answer: JournalAnswer
    """`OK` or `LOST`."""
    now_ms: int
    woken: int = 0
    replays: int = 0
    epoch: int = 0
    """How often the saga began again, with an empty journal."""
    parked: int = 0
    """The fence of the last attempt that left to wait."""
    owner: str = ""
    remaining_ms: int = 0
    fields: list[str] = []
    """Names and values, one after the other."""
    unwinding: str = ""
    """Of a saga that has to undo its work why it does: `failed`, `cancelled` or `expired`."""
    cause: str = ""
    """JSON text of the problem that caused it; empty: the word above says all."""


class EndedChild(msgspec.Struct, array_like=True, frozen=True):
    """A child that has ended, whose parent does not know it yet."""

    entry: str
    parent: str
    """Token and step, with a space between."""
    id: str
    state: str
    begun: int
    """1: an attempt of it has begun, at some time."""
    size: int
    """Of its result, bytes."""
    result: str
    """JSON text; empty if there is none, or it is larger than a step's may be."""
    problem: str


class ChildEnd(msgspec.Struct, array_like=True, frozen=True):
    """One item of `wake.lua`."""

    id: str
    """Of the parent."""
    path: str
    child: str
    ok: int
    unknown: int
    outcome: str


_STEP = Script("step", list[StepWriteReply], acknowledged=True)
_JOURNAL = Script("journal", list[JournalRead])
_WAKE = Script("wake", list[WakeAnswer])
_OUTBOX = Script("outbox", list[EndedChild | str])

_BATCHES = BatchOptions(pause=store_retry_delay)


class SagaStore(Batchers):
    """The operations of the sagas of one worker, in any partition; to be used as `async with`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        """Bind the operations to a store, which stays the caller's to close."""
        super().__init__()
        self._store = store
        self._keys = keys

    def write(self, partition: str, step: StepWrite, *, apart: bool = False) -> "asyncio.Future[StepWriteReply]":
        """Write a step into its journal; a future that fails with `StoreError`.

        Args:
            partition: the job's.
            step: what to write.
            apart: write it without others, because the store refused it with them.

        """
        batcher = self._batcher(
            partition, _STEP, lambda items: (partition, MAX_STEPS, MAX_JOURNAL_BYTES, items), apart=apart
        )
        return batcher.put(step)

    def read(self, partition: str, job: str, fence: int, *, apart: bool = False) -> "asyncio.Future[JournalRead]":
        """Read a journal, apart from others if it should be; a future that fails with `StoreError`."""
        return self._batcher(partition, _JOURNAL, lambda items: (items,), apart=apart).put((job, fence))

    def wake(self, partition: str, end: ChildEnd) -> "asyncio.Future[WakeAnswer]":
        """Tell a parent how a child ended; a future that fails with `StoreError`."""
        return self._batcher(partition, _WAKE, lambda items: (partition, items)).put(end)

    async def outbox(self, partition: str, before_ms: int, most: int) -> list[EndedChild]:
        """Return the first children of a partition that ended at least `before_ms` ago and are in its outbox.

        Raises:
            StoreError: the store is unavailable.

        """
        found = await _OUTBOX(self._store, self._keys.root(partition), (MAX_RESULT_BYTES, before_ms, most))
        return [one for one in found if isinstance(one, EndedChild)]

    async def told(self, partition: str, entries: list[str]) -> None:
        """Take children out of the outbox: their parents know.

        Raises:
            StoreError: the store is unavailable.

        """
        await command(self._store, "XDEL", self._keys.outbox(partition), *entries)

    def _batcher(
        self,
        partition: str,
        script: Script[list[Reply]],
        args: Callable[[list[Any]], tuple[Any, ...]],
        *,
        apart: bool = False,
    ) -> Batcher[Any, Reply]:
        def call(items: list[Any]) -> Awaitable[list[Reply]]:
            return script(self._store, self._keys.root(partition), args(items))

        return self.gather((script.name, partition), call, _BATCHES, apart=apart)


def parent_of(ended: EndedChild) -> tuple[Token, str]:
    """Return the parent of a child that has ended, and the step that it was."""
    token, _, path = ended.parent.partition(" ")
    return split_token(token), path
