"""A feed of events: a reader that keeps its own place, as a cursor, and says what it follows while it reads."""

import asyncio
import hashlib
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import anyio
import msgspec
from redis.asyncio import Redis

from tidings.protocol.event_pattern import EventPattern
from tidings.store.availability.store_errors import StoreError
from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command_pool_of

from .group_admin import before_ms
from .group_store import FEED_MARK, GroupStore, StreamBounds

JOIN_AGAIN_S = 60.0
"""How often a feed that is read says that it is."""

PAGE_EVENTS = 200
PAGE_BYTES = 1_048_576

MAX_QUEUES = 200
"""Queues in one cursor."""

START = "start"
"""The cursor before the first event that the store has."""

_PLACE = re.compile(r"([a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)=(\d{1,19}-\d{1,20})\.(\d{1,15}|-1)")


class FeedPlace(NamedTuple):
    """How far a reader is in one queue."""

    entry: str
    ordinal: int
    """How many of its events there were by then; -1: not known."""


class FeedEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event as a feed gives it."""

    entry: str
    name: str
    kind: str
    correlation_id: str
    owner: str
    frame: str
    ordinal: int


class FeedPage(msgspec.Struct, frozen=True, array_like=True):
    """What a queue has behind a place."""

    position: str
    ordinal: int
    events: list[FeedEvent]
    missed: int
    """Events that were trimmed behind the place; -1: not known how many."""
    more: int


class FeedFullError(Exception):
    """A queue writes for as many feeds as it may."""


_READ = Script("events_read", FeedPage)


class EventFeed:
    """One reader. Methods that ask the store raise `StoreError`."""

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        patterns: Sequence[EventPattern],
        bounds: StreamBounds,
        cursor: str = "",
        since_ms: int = 0,
    ) -> None:
        """Prepare.

        Args:
            store: a client of the store.
            keys: the names of the namespace.
            patterns: what it follows.
            bounds: of the streams that it makes.
            cursor: the `id` of the last event that the reader has; empty: it begins with what comes; `START`.
            since_ms: without a cursor, it begins with what happened then, ms since the epoch; 0: with what comes.

        Raises:
            ValueError: this is no cursor of a feed.

        """
        self._store = store
        self._keys = keys
        self._patterns = patterns
        self._bounds = bounds
        self._resumed = bool(cursor)
        self._since_ms = since_ms
        self._places = {} if cursor == START else read_cursor(cursor)
        self._joined: set[str] = set()
        self._joined_at = 0.0
        text = "\n".join(sorted(f"{one.kinds}{one.events}" for one in patterns))
        self.name: str = f"{FEED_MARK}{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"

    @property
    def cursor(self) -> str:
        """Where it is: the `id` from which another reader may go on."""
        return ",".join(f"{queue}={entry}.{ordinal}" for queue, (entry, ordinal) in sorted(self._places.items()))

    async def follow(self, queues: Collection[str]) -> None:
        """Have the events of some queues written for it, and find its place in each that is new.

        Raises:
            FeedFullError: one of them writes for as many feeds as it may.

        """
        now = asyncio.get_running_loop().time()
        again = now - self._joined_at >= JOIN_AGAIN_S
        wanted = [queue for queue in sorted(queues)[:MAX_QUEUES] if again or queue not in self._joined]
        wait_ms = 0
        # A worker that registers a new kind finds it in the registry, and has the kind's queue follow it
        # (`GroupFollowing`).
        for queue in (REGISTRY, *wanted) if again else wanted:
            store = GroupStore(self._store, self._keys, queue, "feed")
            reply = await store.join_feed(self.name, self._patterns, self._bounds)
            if reply.answer == "full":
                raise FeedFullError(queue)
            wait_ms = max(wait_ms, reply.wait_ms)
        if again:
            self._joined_at = now
        if wait_ms and any(queue not in self._places for queue in wanted):
            await asyncio.sleep(wait_ms / 1000)
        for queue in wanted:
            if queue not in self._places:
                self._places[queue] = await self._first_place(queue)
        self._joined |= set(wanted)

    async def _first_place(self, queue: str) -> FeedPlace:
        # A queue that is new since the feed began is read from its first event on; so is one that came while the reader
        # was away, and that its cursor does not name.
        if self._resumed or self._joined:
            return FeedPlace("0-0", -1)
        if self._since_ms:
            return FeedPlace(before_ms(self._since_ms), -1)
        page = await self._read(queue, FeedPlace("$", -1))
        return FeedPlace(page.position, page.ordinal)

    async def read(self) -> list[tuple[str, FeedPage]]:
        """Return what the queues have behind its places, and move there with `reach`."""
        queues = sorted(self._joined)
        pages = await asyncio.gather(*(self._read(queue, self._places[queue]) for queue in queues))
        return list(zip(queues, pages, strict=True))

    def reach(self, queue: str, entry: str, ordinal: int) -> None:
        """Take note that the reader has everything of a queue up to an entry."""
        self._places[queue] = FeedPlace(entry, ordinal)

    async def wait(self, wait_ms: int) -> None:
        """Return when one of the queues has an event behind its place, or after `wait_ms`."""
        queues = sorted(self._joined)
        if not queues:
            await asyncio.sleep(wait_ms / 1000)
            return
        streams = [self._keys.events(queue) for queue in queues]
        places = [self._places[queue].entry for queue in queues]
        pool = command_pool_of(self._store)
        if not pool.sharded:
            await pool.wait("XREAD", "COUNT", 1, "BLOCK", wait_ms, "STREAMS", *streams, *places)
            return
        async with anyio.create_task_group() as tasks:  # streams of several slots cannot be named in one command

            async def wait_for(stream: str, place: str) -> None:
                try:
                    await pool.wait("XREAD", "COUNT", 1, "BLOCK", wait_ms, "STREAMS", stream, place)
                except StoreError as error:
                    faults.append(error)
                tasks.cancel_scope.cancel()

            faults: list[StoreError] = []
            for stream, place in zip(streams, places, strict=True):
                tasks.start_soon(wait_for, stream, place, name="events of a queue")
        for error in faults:
            raise error

    async def _read(self, queue: str, place: FeedPlace) -> FeedPage:
        args = (self.name, place.entry, place.ordinal, self._patterns, PAGE_EVENTS, PAGE_BYTES)
        return await _READ(self._store, self._keys.root(queue), args)


def read_cursor(text: str) -> dict[str, FeedPlace]:
    """Return the places that a cursor names.

    Raises:
        ValueError: it is none.

    """
    places: dict[str, FeedPlace] = {}
    for part in text.split(",") if text else ():
        match = _PLACE.fullmatch(part)
        if match is None or len(places) >= MAX_QUEUES:
            raise ValueError(f"{part[:80]!r} is no place in a feed")
        places[match[1]] = FeedPlace(match[2], int(match[3]))
    return places
