"""How many sagas are held, because the code of the workers that tried them takes other steps than they have taken."""

import re
from collections.abc import Iterable, Sequence

import msgspec
from redis.asyncio import Redis

from tidings.store.admin.job_lines import age_s, open_lines, size_of_line
from tidings.store.keys import StoreKeys
from tidings.store.queue_pages import in_pages
from tidings.store.redis.store_client import command_pool_of
from tidings.store.redis.store_clock import store_ms

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
        async for page in in_pages(lines, lambda one: size_of_line(caller, keys.held_sagas(one.queue, one.line)))
        for count in page
    ]
    found: dict[tuple[str, str, int], HeldSagas] = {}
    for one, count in zip(lines, counts, strict=True):
        if count:
            key, age = (one.queue, one.kind, one.version), age_s(now, one.since_ms)
            before = found.get(key, HeldSagas(one.kind, one.version, one.queue, 0))
            sagas, since = before.sagas + count, max(before.since, age)
            found[key] = HeldSagas(one.kind, one.version, one.queue, sagas, since)
    return [found[key] for key in sorted(found)]


async def held_lines(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> Sequence[HeldLine]:
    """Return the lines in which sagas of some queues are held, at most `job_lines.MAX_LINES` of each queue.

    Raises:
        StoreError: the store is unavailable.

    """
    caller, names = command_pool_of(store), sorted(queues)
    found = [
        lines
        async for page in in_pages(names, lambda name: open_lines(caller, keys.held_sagas(name)))
        for lines in page
    ]
    return [
        HeldLine(queue, line, match[2], int(match[3]), since_ms)
        for queue, lines in zip(names, found, strict=True)
        for line, since_ms in lines
        if (match := _LINE.fullmatch(line))
    ]
