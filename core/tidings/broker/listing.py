"""The jobs that live, listed for operators: from the ready streams, in which those that run lie too, and the schedule.

What is in neither is not listed, and found by its token alone: sagas that wait for a signal without a time limit, and
jobs that wait for a place of a limit.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec
from redis.asyncio import Redis

from .keys import Keys
from .script import Script

LANES = 16

NEEDS = ("thread", "process")
"""As in `lua/_prelude.lua`."""


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One job; what is missing is an empty text. Times are ms since the epoch."""

    id: str
    state: str
    kind: str
    tier: str
    attempt: str
    submitted: str
    correlation_id: str
    worker: str
    finished: str


class Source(NamedTuple):
    """Where jobs lie."""

    kind: Literal["ready", "scheduled"]
    queue: str
    tier: str = ""
    lane: str = ""


_LIST = Script("list", tuple[list[Row], str])


def sources(tiers: dict[str, list[str]]) -> Iterator[Source]:
    """Yield the places in which jobs of some queues lie, always in one order.

    Args:
        tiers: queue → its tiers.

    """
    for queue in sorted(tiers):
        for tier in sorted(tiers[queue]):
            yield Source("ready", queue, tier)
            yield from (Source("ready", queue, tier, str(lane)) for lane in range(LANES))
            yield from (Source("ready", queue, tier, need) for need in NEEDS)
        yield Source("scheduled", queue)


class Listing:
    """Lists jobs; whatever asks the store raises `StoreError`."""

    def __init__(self, store: Redis, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def page(self, source: Source, after: str, count: int) -> tuple[list[Row], str]:
        """Return up to `count` jobs of one place, and where to go on; empty: that was the last of them.

        Args:
            source: the place.
            after: what the page before gave; at first empty.
            count: entries to look at, from 1.

        """
        args = (source.kind, source.tier, source.lane, after, count)
        return await _LIST(self._store, self._keys.root(source.queue), args)

    async def some(self, queue: str, jobs: Iterable[str]) -> list[Row]:
        """Return some jobs by their ids, as far as they are known."""
        rows, _ = await _LIST(self._store, self._keys.root(queue), ("ids", "", "", list(jobs), 0))
        return rows
