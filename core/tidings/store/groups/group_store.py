"""The groups of one partition as a worker uses them: say what a group follows, take events, say what became of them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.protocol.event_pattern import EventPattern
from tidings.protocol.timestamps import whole_ms
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command_pool_of

MAX_GROUPS = 32
"""Groups in one partition: each entry of its stream holds a count for each."""

MAX_JOBS_IN_HAND = 10_000
"""Jobs of which a group may have events in hand or waiting for a try; past it, it reads no further."""

MAX_GROUP_DEAD = 10_000
"""Dead events of one group in one partition, approximately."""

PATTERN_KEPT_S = 600.0
"""How long a pattern is followed that other workers of the group no longer name: a rolling deploy takes less."""


FEED_MARK = "~"
"""The names of feeds begin with it; no group's name does."""

FOLLOWED_S = 3_600.0
"""How long events are written for a feed after its last reader has left; it comes back within this time."""

MAX_FEEDS = 16
"""Feeds of different patterns that one queue writes for at a time."""


class StreamBounds(NamedTuple):
    """How much of the events a partition keeps."""

    max_age_s: float
    max_bytes: int


BOUNDS_KEPT = StreamBounds(0, 0)
"""The bounds that servers and workers have said: for a reader that knows no settings of theirs."""


class JoinReply(NamedTuple):
    """What joining a group did."""

    answer: str
    """`new`, `changed`, `known` or `full`."""
    wait_ms: int
    """After which time every script follows what was said."""
    position: str


class TakenEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event in hand of this worker."""

    job: str
    entry: str
    tries: int
    """How often it has been given to a worker by now."""
    name: str
    kind: str
    correlation_id: str
    owner: str
    frame: str
    """JSON text as clients get it; without `data` where those are too large for it."""


class TakeReply(msgspec.Struct, frozen=True, array_like=True):
    """What a take gave."""

    state: str
    """`ok`, `paused` or `gone`."""
    events: list[TakenEvent]
    lost: list[str]
    """Jobs held here of which another worker has the lease."""
    position: str
    wait_ms: int
    """Until something in the group's hand is due; -1: nothing is."""
    missed: int
    """Events that were trimmed before the group had taken them, found by this call."""
    more: int
    """1 if there may be more at once."""
    now_ms: int
    """The store's clock."""


class EventOutcome(StrEnum):
    """What became of an event."""

    DONE = "done"
    RETRY = "retry"
    BACK = "back"
    DEAD = "dead"


class EventReport(msgspec.Struct, frozen=True, array_like=True):
    """What a worker says of an event that it had in hand."""

    job: str
    entry: str
    tries: int
    outcome: EventOutcome
    delay_ms: int = 0
    letter: str = ""


_JOIN_GROUP = Script("group_join", JoinReply)
_TAKE = Script("group_take", TakeReply)
_SETTLE = Script("group_settle", list[str])


class GroupStore:
    """The groups of one partition, as one worker uses them. All methods raise `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys, partition: str, worker: str) -> None:
        self._store = store
        self._keys = keys
        self._root = keys.root(partition)
        self.partition = partition
        self.worker = worker

    async def join(
        self,
        group: str,
        patterns: Sequence[EventPattern],
        bounds: StreamBounds,
        *,
        expires_s: float = 0.0,
        max_groups: int = MAX_GROUPS,
    ) -> JoinReply:
        """Say what a group follows.

        Args:
            group: its name.
            patterns: what this worker has handlers for.
            bounds: of the stream of events; `BOUNDS_KEPT`: as another caller said, or the defaults.
            expires_s: how long the events are followed after this call; 0: until an operator forgets the group.
            max_groups: groups of this sort that the partition may have.

        """
        return await _JOIN_GROUP(
            self._store,
            self._root,
            (
                group,
                patterns,
                whole_ms(expires_s) if expires_s else 0,
                whole_ms(PATTERN_KEPT_S),
                whole_ms(bounds.max_age_s),
                bounds.max_bytes,
                max_groups,
            ),
        )

    async def join_feed(self, feed: str, patterns: Sequence[EventPattern], bounds: StreamBounds) -> JoinReply:
        """Say what a feed follows, for an hour from now; see `join`."""
        return await self.join(feed, patterns, bounds, expires_s=FOLLOWED_S, max_groups=MAX_FEEDS)

    async def take(
        self, group: str, serves: Sequence[EventPattern], held: Sequence[str], lease_s: float, most: int
    ) -> TakeReply:
        """Take up to `most` events, and renew the lease of those jobs of which this worker holds one."""
        args = (group, self.worker, serves, held, whole_ms(lease_s), most, MAX_JOBS_IN_HAND)
        return await _TAKE(self._store, self._root, args)

    async def settle(self, group: str, settled: Sequence[EventReport]) -> list[str]:
        """Write what became of events.

        Returns:
            For each `ok`, `next` (and another event of the job may be taken) or `lost` (another worker has it).

        """
        return await _SETTLE(self._store, self._root, (group, self.worker, MAX_GROUP_DEAD, settled))

    async def wait(self, after: str, wait_ms: int) -> bool:
        """Return when the stream has an event behind an entry, or the time is over; whether it has one.

        Source: https://redis.io/docs/latest/commands/xread/
        """
        stream = self._keys.events(self.partition)
        pool = command_pool_of(self._store)
        return bool(await pool.wait("XREAD", "COUNT", 1, "BLOCK", wait_ms, "STREAMS", stream, after))
