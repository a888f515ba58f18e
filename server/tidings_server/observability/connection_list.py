"""The connections of this process, as operators see them."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Protocol

from tidings.protocol.frames.admin_messages import Connection, ConnectionList
from tidings.protocol.frames.overview import ConnectionCount

MAX_SHOWN = 1_000
"""Connections in one answer."""


class Describable(Protocol):
    """A connection."""

    def describe(self) -> Connection:
        """Return the connection as operators see it."""


class OpenConnections:
    """All open connections: the sockets, which another object holds, and the streams."""

    def __init__(self) -> None:
        self.sockets: Iterable[Describable] = ()
        self.streams: set[Describable] = set()

    def __iter__(self) -> Iterator[Connection]:
        return (one.describe() for one in itertools.chain(self.sockets, tuple(self.streams)))

    def count(self) -> ConnectionCount:
        """Return how many there are. O(connections); called each second, and only while an operator observes."""
        sockets = streams = watches = slow = 0
        for one in self:
            sockets += one.kind == "socket"
            streams += one.kind == "stream"
            watches += one.watches
            slow += one.slow
        return ConnectionCount(sockets=sockets, streams=streams, watches=watches, slow=slow)

    def shown(self, server: str) -> ConnectionList:
        """Return the first `MAX_SHOWN`: slow ones first, then those with the most watches."""
        found = sorted(self, key=lambda one: (not one.slow, -one.waiting_bytes, -one.watches, one.since))
        return ConnectionList(server=server, connections=found[:MAX_SHOWN], more=max(0, len(found) - MAX_SHOWN))
