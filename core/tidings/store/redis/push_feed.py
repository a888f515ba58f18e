"""One connection that the store pushes to.

redis-py makes the connection (address, TLS, credentials, database), writes the commands and parses what comes. Its
`PubSub` is left out: it connects again and subscribes again by itself, and a subscription must notice each connection
that is lost, because messages are lost with it.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from .single_store import store_of

Push = list[Any]
"""Kind, channel and data, as bytes; of a confirmation the data is a number."""


class PushFeed:
    """What the store pushes over one connection."""

    def __init__(self, connection: AbstractConnection, prefix: str = "", *, sharded: bool = False) -> None:
        """Read a connection.

        Args:
            connection: one that stands.
            prefix: what stands before the names of all channels in the store, and is left out here.
            sharded: whether the channels are those of a cluster, of which each lies in a slot.

        """
        self._sharded = sharded
        self._connection = connection
        self._prefix = prefix
        self._prefix_bytes = prefix.encode()

    async def subscribe(self, *channels: str) -> None:
        """Ask for channels; each is confirmed by a push."""
        if self._sharded:
            for channel in channels:  # those of one command must lie in one slot
                await self._connection.send_command("SSUBSCRIBE", channel)
            return
        await self._connection.send_command("SUBSCRIBE", *(self._prefix + channel for channel in channels))

    async def unsubscribe(self, *channels: str) -> None:
        """Ask for nothing more of some channels."""
        if self._sharded:
            for channel in channels:
                await self._connection.send_command("SUNSUBSCRIBE", channel)
            return
        await self._connection.send_command("UNSUBSCRIBE", *(self._prefix + channel for channel in channels))

    async def read(self) -> Push:
        """Wait for the next push.

        Raises:
            RedisError: the connection has ended, or what came is not the protocol, or the store refuses.

        """
        push: Push = await self._connection.read_response(timeout=math.inf)
        if self._sharded:
            push[0] = push[0][1:]  # `smessage` and the like
        elif self._prefix:
            push[1] = push[1].removeprefix(self._prefix_bytes)
        return push


@asynccontextmanager
async def open_push_feed(store: Redis, *, sharded: bool = False) -> AsyncIterator[PushFeed]:
    """Hold a connection of its own around the body, outside the client's pool.

    Args:
        store: a client of the store, or of one node of it.
        sharded: as of `PushFeed`.

    Raises:
        RedisError: the store is not there, or refuses.

    """
    opened = store_of(store)
    connection = await opened.open_connection()
    opened.feeds.add(connection)
    try:
        yield PushFeed(connection, opened.channel_prefix, sharded=sharded)
    finally:
        opened.feeds.discard(connection)
        await connection.disconnect(nowait=True)
