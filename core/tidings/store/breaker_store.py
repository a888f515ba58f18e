"""The breakers in the store: steps of many gathered into one call, and what operators are shown."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.circuit.breaker_record import MAX_KEPT_FAILURES, BreakerRecord, BreakerSpec, BreakerState, BreakerView
from tidings.protocol.timestamps import whole_ms

from .answers import BreakerAnswer
from .availability.retry_delay import store_retry_delay
from .availability.store_errors import ItemError
from .keys import BREAKERS, StoreKeys
from .readable import decode_readable
from .redis.batcher import Batchers, BatchOptions
from .redis.script import Script
from .redis.store_client import command, read_values
from .redis.store_clock import store_ms


class BreakerChange(msgspec.Struct, array_like=True, frozen=True):
    """A breaker came into another state by what was asked here."""

    name: str
    before: BreakerState
    state: BreakerState
    reason: str
    calls: int
    """In the window before it."""
    failures: int
    slow: int


class OperationReply(msgspec.Struct, array_like=True, frozen=True):
    """The answer to one step."""

    answer: BreakerAnswer
    view: BreakerView


class BreakerBatchReply(msgspec.Struct, array_like=True, frozen=True):
    """The answer to some steps."""

    now_ms: int
    """The store's time at which they were done."""
    answers: list[OperationReply | str]
    """A text: `!`, and why that step could not be done."""
    changes: list[BreakerChange]


class CallReport(NamedTuple):
    """Calls that were let through while the breaker was closed."""

    name: str
    spec: BreakerSpec
    epoch: int
    calls: int
    failures: int = 0
    slow: int = 0
    notes: tuple[tuple[str, str, str], ...] = ()
    """Kind, worker and text of failures, for people."""


class ShownBreaker(NamedTuple):
    """A breaker as operators are shown it."""

    name: str
    machine: BreakerRecord
    now_ms: int
    """The store's time."""


_BREAKER = Script("breaker", BreakerBatchReply)

_BATCHES = BatchOptions(pause=store_retry_delay)
_decode_machine = msgspec.msgpack.Decoder(BreakerRecord).decode
_decode_view = msgspec.msgpack.Decoder(BreakerView).decode

BreakerOperation = tuple[Any, ...]


def read_view(data: bytes) -> BreakerView:
    """Return what an announcement says."""
    return _decode_view(data)


def merge_reports(items: Sequence[BreakerOperation | CallReport]) -> tuple[list[BreakerOperation], list[int]]:
    """Return the steps that say the same as `items` in fewer, and for each item the number of its step. Pure.

    Reports of one epoch that follow each other without another step of that breaker between them become one.
    """
    steps: list[list[Any]] = []
    numbers: list[int] = []
    last: dict[str, tuple[int, tuple[BreakerSpec, int]]] = {}
    for item in items:
        if not isinstance(item, CallReport):
            last.pop(item[1], None)
            numbers.append(len(steps))
            steps.append(list(item))
            continue
        number, under = last.get(item.name, (-1, None))
        if under != (item.spec, item.epoch):
            number = len(steps)
            last[item.name] = (number, (item.spec, item.epoch))
            steps.append(["report", item.name, item.spec, item.epoch, 0, 0, 0, []])
        step = steps[number]
        step[4] += item.calls
        step[5] += item.failures
        step[6] += item.slow
        step[7].extend(item.notes)
        del step[7][:-MAX_KEPT_FAILURES]
        numbers.append(number)
    return [tuple(step) for step in steps], numbers


class BreakerStore(Batchers):
    """The operations on breakers, to be used as `async with`; all of them fail with `StoreError`."""

    def __init__(
        self, store: Redis, keys: StoreKeys, on_change: Callable[[BreakerChange], None] = lambda _: None
    ) -> None:
        """Bind the operations to a store.

        Args:
            store: a client of the store; it stays the caller's to close.
            keys: the names of the namespace.
            on_change: called with each change of state that is brought about here.

        """
        super().__init__()
        self._store = store
        self._keys = keys
        self._root = keys.root(BREAKERS)
        self._on_change = on_change

    # What calls do, gathered.

    def report(self, report: CallReport) -> "asyncio.Future[OperationReply]":
        """Count calls: `OK`, or `STALE`: they do not count any more."""
        return self._put(report)

    def enter(self, name: str, trial: str, lease_ms: int) -> "asyncio.Future[OperationReply]":
        """Ask for a call: `CLOSED`, `TRIAL` or `REFUSED`. Asked again under the same name it is the same trial."""
        return self._put(("enter", name, trial, lease_ms))

    def renew(self, name: str, trial: str, lease_ms: int) -> "asyncio.Future[OperationReply]":
        """Renew the lease of a trial: `OK` or `STALE`."""
        return self._put(("renew", name, trial, lease_ms))

    def leave(
        self, name: str, spec: BreakerSpec, trial: str, result: str, notes: tuple[tuple[str, str, str], ...] = ()
    ) -> "asyncio.Future[OperationReply]":
        """End a trial by `ok`, `failures`, `slow` or `void`: `OK` or `STALE`."""
        return self._put(("leave", name, spec, trial, result, notes))

    def look(self, name: str) -> "asyncio.Future[OperationReply]":
        """Look at a breaker."""
        return self._put(("look", name))

    # What operators do.

    async def step(self, *steps: BreakerOperation) -> BreakerBatchReply:
        """Do some steps in one call, as `breaker.lua` takes them."""
        return await _BREAKER(self._store, self._root, (steps,))

    async def open(self, name: str, for_s: float = 0) -> BreakerView:
        """Open a breaker for some seconds; 0: until it is closed."""
        return await self._one("open", name, whole_ms(for_s))

    async def close(self, name: str, for_s: float = 0) -> BreakerView:
        """Close a breaker, and hold it closed for some seconds."""
        return await self._one("close", name, whole_ms(for_s))

    async def reset(self, name: str) -> BreakerView:
        """Have a breaker forget everything."""
        return await self._one("reset", name)

    async def shown(self) -> list[ShownBreaker]:
        """Return all breakers, by name; the store has forgotten those that no worker used for a month."""
        now = await store_ms(self._store, self._keys.breakers)
        names = sorted(
            name.decode(errors="replace") for name in await command(self._store, "SMEMBERS", self._keys.breakers)
        )
        records = await read_values(self._store, [self._keys.breaker(name) for name in names])
        gone = [name for name, record in zip(names, records, strict=True) if record is None]
        if gone:
            await command(self._store, "SREM", self._keys.breakers, *gone)
        present = {name: record for name, record in zip(names, records, strict=True) if record is not None}
        return [
            ShownBreaker(name, machine, now)
            for name, machine in decode_readable(present, _decode_machine, "breaker").items()
        ]

    # Private.

    async def _one(self, *step: Any) -> BreakerView:
        steps = await self.step(step)
        self._tell(steps)
        answer = steps.answers[0]
        if isinstance(answer, str):
            raise ItemError(answer[1:])
        return answer.view

    def _put(self, item: BreakerOperation | CallReport) -> "asyncio.Future[OperationReply]":
        return self.gather(("breaker",), self._send, _BATCHES).put(item)

    async def _send(self, items: list[BreakerOperation | CallReport]) -> list[OperationReply | str]:
        merged, numbers = merge_reports(items)
        steps = await self.step(*merged)
        self._tell(steps)
        return [steps.answers[number] for number in numbers]

    def _tell(self, steps: BreakerBatchReply) -> None:
        for change in steps.changes:
            self._on_change(change)
