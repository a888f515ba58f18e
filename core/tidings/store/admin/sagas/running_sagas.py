"""The sagas that run, one by one: which version each has, which are pinned, and which are held and why."""

from collections.abc import AsyncIterator, Iterable

import msgspec
from redis.asyncio import Redis

from tidings.protocol.problems import Problem
from tidings.protocol.tokens import Token
from tidings.store.availability.store_errors import ScriptError
from tidings.store.keys import StoreKeys
from tidings.store.queue_pages import in_pages
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.store_client import command_pool_of

from .held_sagas import held_lines

PAGE = 200
"""Sagas that are read at once."""

_FIELDS = ("state", "kind", "version", "pinned", "held", "held_in", "submitted", "unwinding")


class RunningSaga(msgspec.Struct, frozen=True, kw_only=True):
    """A saga that has taken a step and has not ended."""

    token: str
    kind: str
    version: int
    """Of its kind, with which it was submitted."""
    queue: str
    status: str
    pinned: bool = False
    """Whether only workers whose own version is its version run it."""
    unwinding: bool = False
    """Whether it undoes its work."""
    submitted: int = 0
    """ms since the epoch, by the store's clock."""
    held: Problem | None = None
    """Why it is held: what does not fit; None: it is not held."""
    tried: list[str] = []
    """The digests of the code that did not fit it; `*`: of so many that none tries it by itself any more."""


class SagaFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sagas are meant."""

    kind: str = ""
    """Empty: of every kind."""
    version: int = 0
    """0: of every version."""
    held: bool = False
    """Whether only those are that are held."""

    def fits(self, kind: str, version: int) -> bool:
        """Return whether sagas of a version of a kind may be meant."""
        return self.kind in ("", kind) and self.version in (0, version)


async def running_sagas(
    store: Redis, keys: StoreKeys, queues: Iterable[str], wanted: SagaFilter
) -> AsyncIterator[list[RunningSaga]]:
    """Yield the sagas of some queues, page by page, in no order; those that begin or end meanwhile may be missing.

    Raises:
        StoreError: the store is unavailable.

    """
    caller = command_pool_of(store)
    for queue in sorted(queues):
        names = _held_ids(store, keys, queue, wanted) if wanted.held else _running_ids(caller, keys, queue, wanted)
        async for ids in names:
            async for found in in_pages(ids, lambda job: _read(caller, keys, queue, job)):  # noqa: B023 - used at once
                yield [one for one in found if one is not None and (one.held is not None or not wanted.held)]


async def read_saga(store: Redis, keys: StoreKeys, token: Token) -> RunningSaga | None:
    """Return a saga that runs; None: no job of this token is one.

    Raises:
        StoreError: the store is unavailable.

    """
    return await _read(command_pool_of(store), keys, token.partition, token.id.encode())


async def _running_ids(
    caller: CommandPool, keys: StoreKeys, queue: str, wanted: SagaFilter
) -> AsyncIterator[list[bytes]]:
    try:
        lines: list[bytes] = await caller.ask("HKEYS", keys.sagas(queue))
    except ScriptError:  # what lies there is no hash
        return
    for line in sorted(lines):
        name = line.decode(errors="replace")
        kind, _, version = name.rpartition("@")
        cursor = b"0" if version.isdecimal() and wanted.fits(kind, int(version)) else b""
        while cursor:
            try:
                cursor, ids = await caller.ask("SSCAN", keys.sagas(queue, name), cursor, "COUNT", PAGE)
            except ScriptError:  # what lies there is no set
                break
            yield ids
            if cursor == b"0":
                break


async def _held_ids(store: Redis, keys: StoreKeys, queue: str, wanted: SagaFilter) -> AsyncIterator[list[bytes]]:
    caller = command_pool_of(store)
    for one in await held_lines(store, keys, [queue]):
        if not wanted.fits(one.kind, one.version):
            continue
        first = 0
        while True:
            try:
                place = keys.held_sagas(queue, one.line)
                ids: list[bytes] = await caller.ask("ZRANGE", place, first, first + PAGE - 1)
            except ScriptError:  # what lies there is no line
                break
            yield ids
            first += PAGE
            if len(ids) < PAGE:
                break


async def _read(caller: CommandPool, keys: StoreKeys, queue: str, job: bytes) -> RunningSaga | None:
    name = job.decode(errors="replace")
    try:
        answer = await caller.ask("HMGET", keys.job(queue, name), *_FIELDS, "saga", "finished")
    except ScriptError:  # what lies there is no record
        return None
    values = [value.decode(errors="replace") if value else "" for value in answer]
    found = dict(zip((*_FIELDS, "saga", "finished"), values, strict=True))
    if not found["state"] or not found["saga"] or found["finished"]:
        return None
    return RunningSaga(
        token=str(Token(queue, name)),
        kind=found["kind"],
        version=int(found["version"]) if found["version"].isdecimal() else 1,
        queue=queue,
        status=found["state"],
        pinned=bool(found["pinned"]),
        unwinding=bool(found["unwinding"]),
        submitted=int(found["submitted"]) if found["submitted"].isdecimal() else 0,
        held=_problem_in(found["held"]),
        tried=found["held_in"].rpartition("!")[2].split(",") if found["held"] and found["held_in"] else [],
    )


def _problem_in(text: str) -> Problem | None:
    try:
        return msgspec.json.decode(text, type=Problem) if text else None
    except msgspec.MsgspecError:  # not what a worker wrote
        return None
