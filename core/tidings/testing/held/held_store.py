"""A store whose clock a test holds: the embedded Valkey, with the shipped library of scripts.

Of that library one expression is another: where a script asks the store for its time (TIME), it reads the time that the
test has set. Two things go by the clock of the store's process all the same: how long keys live, and how long an entry
has been with its consumer. When the test moves its clock, `move.lua` moves these by as much.
"""

import itertools
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any, NamedTuple

from tidings.store.embedded.embedded_store import EmbeddedStore
from tidings.store.redis.script import library
from tidings.testing.pooled_store import PooledStore, PooledStoreError

TIME = "redis.call('TIME')"
"""How `lua/lib/clock.lua` asks for the time."""

CLOCK_KEY = "tidings-testing:clock"
"""List: the held time as TIME answers it: seconds and microseconds."""

HELD_TIME = f"redis.call('LRANGE', '{CLOCK_KEY}', 0, 1)"


class MoveReply(NamedTuple):
    """What the store tells after its clock has moved."""

    holders: frozenset[str]
    """The workers that hold entries."""


def held_library() -> str:
    """Return the shipped library with the held time."""
    text = library().text
    if text.count(TIME) != 1:
        raise PooledStoreError(f"the scripts ask for the time in {text.count(TIME)} places: one is expected")
    return text.replace(TIME, HELD_TIME)


class HeldStore(PooledStore):
    """One embedded store, used by one world at a time, and the connection on which its clock is moved."""

    def __init__(self, process: EmbeddedStore) -> None:
        """Connect to a store that runs, and load the scripts."""
        super().__init__(process)
        self._move = self.call("SCRIPT", "LOAD", (resources.files(__package__) / "move.lua").read_text())
        self.call("FUNCTION", "LOAD", "REPLACE", held_library())

    def settle(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[Any]:
        """Return the answers to commands when the store has answered whatever was sent to it before them.

        The store serves its connections in one thread, in rounds: it reads commands of several, runs them, then writes
        all answers and pushes. The answer to a PING may be written before those of its round; that to what is sent
        after it comes a whole round later.
        """
        self.call("PING")
        return self.call_all(commands)

    def set_clock(self, epoch_ms: int) -> None:
        """Set the clock, without moving anything."""
        self.move(epoch_ms, 0, ())

    def move(self, epoch_ms: int, by_ms: int, living: Iterable[tuple[str, str]]) -> MoveReply:
        """Move the clock.

        Args:
            epoch_ms: what it shows from now on, ms since the epoch.
            by_ms: by how much the store moves: keys live that much shorter, entries have been held that much longer.
            living: the key and the name of each worker that renews its key and its entries all the time: these do not
                come nearer to their end.

        """
        seconds, ms = divmod(epoch_ms, 1000)
        holders = self.call("EVALSHA", self._move, 1, CLOCK_KEY, seconds, ms * 1000, by_ms, *itertools.chain(*living))
        return MoveReply(frozenset(one.decode() for one in holders))
