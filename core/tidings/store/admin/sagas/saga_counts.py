"""How many sagas run on which version of their kind."""

from collections.abc import Iterable

import msgspec
from redis.asyncio import Redis

from tidings.store.admin.job_lines import MAX_LINES, size_of_line
from tidings.store.availability.store_errors import ScriptError
from tidings.store.keys import StoreKeys
from tidings.store.queue_pages import in_pages
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.store_client import command_pool_of


class SagaCount(msgspec.Struct, frozen=True):
    """The sagas of one version of a kind that have taken a step and have not ended."""

    kind: str
    version: int
    queue: str
    sagas: int


async def count_sagas(store: Redis, keys: StoreKeys, queues: Iterable[str]) -> list[SagaCount]:
    """Return how many sagas run in some queues, by kind and version.

    Raises:
        StoreError: the store is unavailable.

    """
    caller, names = command_pool_of(store), sorted(queues)
    lines = [
        (queue, line)
        async for page in in_pages(names, lambda name: _lines_of(caller, keys, name))
        for queue, found in page
        for line in found
    ]
    counts = [
        count
        async for page in in_pages(lines, lambda one: size_of_line(caller, keys.sagas(*one), "SCARD"))
        for count in page
    ]
    return [
        SagaCount(kind, int(version), queue, count)
        for (queue, line), count in zip(lines, counts, strict=True)
        for kind, _, version in (line.rpartition("@"),)
        if count and kind and version.isdecimal()
    ]


async def _lines_of(caller: CommandPool, keys: StoreKeys, queue: str) -> tuple[str, list[str]]:
    try:
        found: list[bytes] = await caller.ask("HKEYS", keys.sagas(queue))
    except ScriptError:  # what lies there is no hash
        return queue, []
    return queue, sorted(line.decode(errors="replace") for line in found)[:MAX_LINES]
