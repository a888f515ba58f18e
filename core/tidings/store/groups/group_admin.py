"""The groups of a partition as operators see and move them. All methods raise `StoreError`."""

from enum import StrEnum
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.protocol.event_pattern import EventPattern
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command

FROM_START = "0-0"
"""The place before the first event that the store still has."""

AT_END = "$"
"""The place behind the last event."""


class GroupView(msgspec.Struct, frozen=True, array_like=True):
    """Where one group stands in one partition."""

    name: str
    patterns: list[EventPattern]
    since_ms: int
    """When it joined, ms since the epoch."""
    position: str
    """The last entry that it has taken."""
    behind: int
    """Events that it follows and has not handled; -1: not known, as it was moved to where it was not there yet."""
    oldest_ms: int
    """When the first of them was written; 0: there is none."""
    jobs: int
    """Of which it has events in hand, or waiting for a try."""
    missed: int
    """Events that the store trimmed before it had taken them."""
    missed_from: str
    missed_before: str
    """The last of them lie between these entries; empty: it has found none missing yet."""
    missed_at_ms: int
    """When it found that; 0: never."""
    paused_ms: int
    """Since when it is paused; 0: it is not."""
    handled: int
    dead: int
    """Letters that wait for an operator."""


class PartitionEvents(msgspec.Struct, frozen=True, array_like=True):
    """The stream of one partition, and its groups."""

    now_ms: int
    """The store's clock."""
    events: int
    bytes: int
    """About."""
    groups: list[GroupView]


class Move(NamedTuple):
    """What moving a group did."""

    answer: str
    """`moved` or `gone`."""
    dropped: int
    """Events that waited in its hand, and are not tried again by themselves."""
    position: str
    first: str
    """The first entry that the stream has; empty: it has none."""


class GroupCommand(StrEnum):
    """What an operator does to a group."""

    PAUSE = "pause"
    RESUME = "resume"
    FORGET = "forget"


class DeadEvent(NamedTuple):
    """An event that a group could not handle."""

    letter: str
    """The id of its letter."""
    job: str
    name: str
    kind: str
    tries: int
    problem: str
    """JSON text: why."""
    frame: str

    @property
    def why(self) -> str:
        """Why the last try failed, in a sentence."""
        try:
            found = msgspec.json.decode(self.problem)
            return str(found["problem"]["detail"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return "not known"


_GROUPS = Script("groups", PartitionEvents)
_SEEK = Script("group_seek", Move)
_PAUSE = Script("group_pause", str)
_RETRY = Script("group_retry", list[str])


class GroupAdmin:
    """The groups of one partition."""

    def __init__(self, store: Redis, keys: StoreKeys, partition: str) -> None:
        self._store = store
        self._keys = keys
        self._root = keys.root(partition)
        self.partition = partition

    async def read(self, *, feeds: bool = False) -> PartitionEvents:
        """Return where the groups stand; `feeds`: those readers too that keep their own place."""
        return await _GROUPS(self._store, self._root, (int(feeds),))

    async def move(self, group: str, to: str) -> Move:
        """Move a group: `FROM_START`, `AT_END`, an entry, or `before_ms(…)`."""
        return await _SEEK(self._store, self._root, (group, to))

    async def act(self, group: str, act: GroupCommand) -> str:
        """Pause, resume or forget a group; return `ok`, `same` (it was so before) or `gone` (there is none)."""
        return await _PAUSE(self._store, self._root, (group, act))

    async def dead(self, group: str, most: int) -> list[DeadEvent]:
        """Return the first dead events of a group."""
        stream = self._keys.group_dead(self.partition, group)
        found = await command(self._store, "XRANGE", stream, "-", "+", "COUNT", most)
        return [_dead_event(letter, fields) for letter, fields in found]

    async def retry(self, group: str, letters: list[str]) -> list[str]:
        """Give a group dead events again; return for each `ok`, `gone`, or `!` and why not."""
        return await _RETRY(self._store, self._root, (group, letters))


def before_ms(ms: int) -> str:
    """Return the place before the first event of a moment, ms since the epoch."""
    return f"{max(ms, 1) - 1}-{2**64 - 1}"


def _dead_event(letter: bytes, fields: dict[bytes, bytes]) -> DeadEvent:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode(errors="replace")

    tries = text(b"tries")
    return DeadEvent(
        letter.decode(),
        text(b"job"),
        text(b"event"),
        text(b"kind"),
        int(tries) if tries.isdecimal() else 0,
        text(b"letter"),
        text(b"frame"),
    )
