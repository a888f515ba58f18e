"""How many sagas are held, because the code of the workers that tried them takes other steps than they have taken."""

import re
from collections.abc import Iterable, Sequence

import msgspec
from redis.asyncio import Redis

from tidings.store.availability.store_errors import ScriptError
from tidings.store.keys import StoreKeys
from tidings.store.queue_pages import in_pages
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.store_client import command_pool_of
from tidings.store.redis.store_clock import store_ms

MAX_LINES = 1_000
"""Lines of one queue that are counted."""

_LINE = re.compile(r"([^/]+)/(.+)@([0-9]{1,15})!(.+)")


class HeldSagas(msgspec.Struct, frozen=True):
    """The sagas of one version of a kind that are held in a queue."""

    kind: str
    version: int
    queue: str
    sagas: int
    since: float = 0.0
    """How long there have been some, s by the store's clock."""


class HeldLine(msgspec.Struct, frozen=True):
    """One line of held sagas of a queue."""

    queue: str
    line: str
    kind: str
    version: int
    since_ms: int


async def count_held_sagas(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> list[HeldSagas]:
    """Return how many sagas are held in some queues, by kind and version.

    Raises:
        StoreError: the store is unavailable.

    """
    lines = await held_lines(store, keys, queues)
    if not lines:
        return []
    caller, now = command_pool_of(store), await store_ms(store)
    counts = [
        count
        async for page in in_pages(lines, lambda one: _count_of(caller, keys.held_sagas(one.queue, one.line)))
        for count in page
    ]
    found: dict[tuple[str, str, int], HeldSagas] = {}
    for one, count in zip(lines, counts, strict=True):
        if count:
            key, age = (one.queue, one.kind, one.version), max(now - one.since_ms, 0) / 1000
            before = found.get(key, HeldSagas(one.kind, one.version, one.queue, 0))
            sagas, since = before.sagas + count, max(before.since, age)
            found[key] = HeldSagas(one.kind, one.version, one.queue, sagas, since)
    return [found[key] for key in sorted(found)]


async def held_lines(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> Sequence[HeldLine]:
    """Return the lines in which sagas of some queues are held, at most `MAX_LINES` of each queue.

    Raises:
        StoreError: the store is unavailable.

    """
    caller, names = command_pool_of(store), sorted(queues)
    return [
        line
        async for page in in_pages(names, lambda name: _lines_of(caller, keys, name))
        for one in page
        for line in one
    ]


async def _lines_of(caller: CommandPool, keys: StoreKeys, queue: str) -> list[HeldLine]:
    try:
        flat: list[bytes] = await caller.ask("HGETALL", keys.held_sagas(queue))
    except ScriptError:  # what lies there is no hash
        return []
    found = []
    for name, since in list(zip(flat[::2], flat[1::2], strict=True))[:MAX_LINES]:
        line = name.decode(errors="replace")
        if match := _LINE.fullmatch(line):
            found.append(HeldLine(queue, line, match[2], int(match[3]), int(since) if since.isdigit() else 0))
    return found


async def _count_of(caller: CommandPool, key: str) -> int:
    try:
        count: int = await caller.ask("ZCARD", key)
    except ScriptError:  # what lies there is no line
        return 0
    return count
