"""Kinds whose jobs wait for a worker that serves them, while none does."""

import re
from collections.abc import Iterable, Sequence

import msgspec
from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.queue_pages import in_pages
from tidings.store.redis.store_client import command_pool_of
from tidings.store.redis.store_clock import store_ms
from tidings.store.registry import WorkerRecord

from .job_lines import age_s, open_lines, size_of_line

_LINE = re.compile(r"([^/]+)/(.+)@([0-9]{1,15})(!pinned)?")


class KindWait(msgspec.Struct, frozen=True):
    """Jobs that wait for a worker that serves their kind in their version."""

    kind: str
    queue: str
    jobs: int
    version: int = 1
    since: float = 0.0
    """How long there have been some, s by the store's clock."""
    pinned: bool = False
    """Whether they are sagas that an operator has pinned to the version: no worker with an upcast for it runs them."""

    @property
    def wanted(self) -> str:
        """What a worker must serve, in words."""
        if self.pinned:
            return f"{self.kind} in version {self.version}, to which they are pinned,"
        return self.kind if self.version == 1 else f"{self.kind} in version {self.version}"


async def unserved_kinds(
    store: Redis, keys: StoreKeys, queues: Iterable[str], workers: Sequence[WorkerRecord]
) -> list[KindWait]:
    """Return the kinds and versions whose jobs wait in some queues, and which none of the workers serves there.

    A job counts from when a worker of its queue has read it. While a queue has no worker, no job of it has been read.

    Args:
        store: a client of the store.
        keys: the names of the namespace.
        queues: those that are asked for.
        workers: those that live.

    Raises:
        StoreError: the store is unavailable.

    """
    caller, names = command_pool_of(store), sorted(queues)
    found = [
        pairs async for page in in_pages(names, lambda name: open_lines(caller, keys.unserved(name))) for pairs in page
    ]
    lines = [(queue, *line) for queue, pairs in zip(names, found, strict=True) for line in pairs]
    if not lines:
        return []
    now = await store_ms(store)
    keys_of_lines = [keys.unserved(queue, line) for queue, line, _ in lines]
    counts = [count async for page in in_pages(keys_of_lines, lambda key: size_of_line(caller, key)) for count in page]
    waits: dict[tuple[str, str, int, bool], KindWait] = {}
    for (queue, line, since), jobs in zip(lines, counts, strict=True):
        match = _LINE.fullmatch(line)
        if match is None or not jobs:
            continue
        tier, kind, version, pinned = match[1], match[2], int(match[3]), bool(match[4])
        if any(
            worker.serves(queue, tier) and worker.serves_kind(kind, version, by_upcast=not pinned) for worker in workers
        ):
            continue
        age = age_s(now, since)
        before = waits.get((queue, kind, version, pinned), KindWait(kind, queue, 0, version))
        waits[queue, kind, version, pinned] = KindWait(
            kind, queue, before.jobs + jobs, version, max(before.since, age), pinned
        )
    return [waits[key] for key in sorted(waits)]
