"""The connections that this process holds, as operators are shown them."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Protocol

from tidings.protocol.admin_messages import Connection, ConnectionList
from tidings.protocol.overview import ConnectionCount

MAX_SHOWN = 1_000
"""OpenConnections in one answer."""


class Describable(Protocol):
    """A connection."""

    def describe(self) -> Connection:
        """Return what operators are shown of it."""


class OpenConnections:
    """Everything that is open: the sockets, which are kept elsewhere, and the streams."""

    def __init__(self) -> None:
        self.sockets: Iterable[Describable] = ()
        self.streams: set[Describable] = set()

    def __iter__(self) -> Iterator[Connection]:
        return (one.describe() for one in itertools.chain(self.sockets, tuple(self.streams)))

    def count(self) -> ConnectionCount:
        """Return how many there are. O(connections): it is asked for each second, and only while someone observes."""
        sockets = streams = watches = slow = 0
        for one in self:
            sockets += one.kind == "socket"
            streams += one.kind == "stream"
            watches += one.watches
            slow += one.slow
        return ConnectionCount(sockets=sockets, streams=streams, watches=watches, slow=slow)

    def shown(self, server: str) -> ConnectionList:
        """Return those that are shown: the slow ones first, then those that watch most."""
        found = sorted(self, key=lambda one: (not one.slow, -one.waiting_bytes, -one.watches, one.since))
        return ConnectionList(server=server, connections=found[:MAX_SHOWN], more=max(0, len(found) - MAX_SHOWN))
