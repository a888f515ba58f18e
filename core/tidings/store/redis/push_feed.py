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

from .store_client import store_of

Push = list[Any]
"""Kind, channel and data, as bytes; of a confirmation the data is a number."""


class PushFeed:
    """What the store pushes over one connection."""

    def __init__(self, connection: AbstractConnection, prefix: str = "") -> None:
        """Read a connection.

        Args:
            connection: one that stands.
            prefix: what stands before the names of all channels in the store, and is left out here.

        """
        self._connection = connection
        self._prefix = prefix
        self._prefix_bytes = prefix.encode()

    async def subscribe(self, *channels: str) -> None:
        """Ask for channels; each is confirmed by a push."""
        await self._connection.send_command("SUBSCRIBE", *(self._prefix + channel for channel in channels))

    async def unsubscribe(self, *channels: str) -> None:
        """Ask for nothing more of some channels."""
        await self._connection.send_command("UNSUBSCRIBE", *(self._prefix + channel for channel in channels))

    async def read(self) -> Push:
        """Wait for the next push.

        Raises:
            RedisError: the connection has ended, or what came is not the protocol, or the store refuses.

        """
        push: Push = await self._connection.read_response(timeout=math.inf)
        if self._prefix:
            push[1] = push[1].removeprefix(self._prefix_bytes)
        return push


@asynccontextmanager
async def open_push_feed(store: Redis) -> AsyncIterator[PushFeed]:
    """Hold a connection of its own around the body, outside the client's pool.

    Raises:
        RedisError: the store is not there, or refuses.

    """
    opened = store_of(store)
    connection = await opened.open_connection()
    opened.feeds.add(connection)
    try:
        yield PushFeed(connection, opened.channel_prefix)
    finally:
        opened.feeds.discard(connection)
        await connection.disconnect(nowait=True)
