"""One connection that the store pushes to: subscribed, and read as it comes.

redis-py makes the connection (address, TLS, credentials, database) and writes the commands; its `PubSub`
is left out. That takes the way of a command for every message (locks, retries, time limits, metrics),
which costs several times what parsing does; here one turn of the loop reads whatever has come.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import InvalidResponse, ResponseError

from .store_client import store_of

READ_BYTES = 65_536
"""The most that is taken from the connection at once."""

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
        assert connection._reader is not None, "it is connected"  # noqa: SLF001
        self._connection = connection
        self._prefix = prefix
        self._prefix_bytes = prefix.encode()
        # The one thing of redis-py used here that it does not call public: the stream under its parser. Nothing
        # of it was read ahead, as nobody speaks on a connection of RESP2 unasked.
        self._stream = connection._reader  # noqa: SLF001
        self._parser = hiredis.Reader(protocolError=InvalidResponse, replyError=ResponseError)

    async def subscribe(self, *channels: str) -> None:
        """Ask for channels; each is confirmed by a push."""
        await self._connection.send_command("SUBSCRIBE", *(self._prefix + channel for channel in channels))

    async def read(self) -> list[Push]:
        """Wait for bytes; return what they complete, which may be nothing.

        Raises:
            RedisError: the connection has ended, or what came is not the protocol, or the store refuses.

        """
        data = await self._stream.read(READ_BYTES)
        if not data:
            raise LostError("the store closed the connection")
        self._parser.feed(data)
        pushes: list[Push] = []
        while (push := self._parser.gets()) is not False:
            if isinstance(push, Exception):
                raise push
            if self._prefix:
                push[1] = push[1].removeprefix(self._prefix_bytes)
            pushes.append(push)
        return pushes


@asynccontextmanager
async def open_push_feed(store: Redis) -> AsyncIterator[PushFeed]:
    """Hold a connection of its own around the body, outside the client's pool.

    Raises:
        RedisError: the store is not there, or refuses.

    """
    connection: AbstractConnection = store.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        yield PushFeed(connection, store_of(store).channel_prefix)
    finally:
        await connection.disconnect(nowait=True)
