"""A client of the store: redis-py's, with a short way for hot calls, and what it tells of each call.

A store that is a cluster has one such client for each node, and one over them all (`cluster`).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from tidings.store.availability.store_errors import StoreDemotedError, translate
from tidings.store.availability.store_health import StoreHealth
from tidings.store.keys import StoreKeys
from tidings.store.sentinel.address_vote import Address
from tidings.store.sentinel.primary_pool import ASK_S, PrimaryPool

from .command_pool import CommandPool
from .silent_nodes import SilentNodes

CALL_ERRORS = (RedisError, OSError, RuntimeError)
"""What a call of redis-py's raises when the store is away. Among them RuntimeError: uvloop says so, and redis-py
does not translate it, where a connection was reset between two calls and the second writes to it."""


READ_AT_ONCE = 200
"""Values that one command reads at the most: the store answers no other client meanwhile."""


class Store(Redis):
    """A client whose every call its process's `StoreHealth` hears of."""

    health: StoreHealth
    caller: CommandPool
    """Makes the calls that every job needs."""
    feeds: set[AbstractConnection]
    """The connections on which this process listens."""
    key_names: StoreKeys
    """The names of the installation's keys and channels in it."""

    @property
    def channel_prefix(self) -> str:
        """What stands before the names of all channels; empty in database 0.

        Channels belong to no database: without it two installations in two databases of one store would hear each
        other. Source: https://redis.io/docs/latest/develop/interact/pubsub/ ("Database & Scoping")
        """
        database = int(self.connection_pool.connection_kwargs.get("db") or 0)
        return f"db{database}:" if database else ""

    def at(self, key: str) -> "Store":
        """Return a client of what holds a key, to ask it for its time, say: of the one store there is, this one."""
        return self

    def parts(self) -> Sequence["Store"]:
        """Return a client of each node that holds keys: of the one store there is, this one."""
        return (self,)

    async def known_parts(self) -> Sequence["Store"]:
        """Return `parts`, of a cluster as soon as it has said which nodes there are.

        Raises:
            StoreError: no node of a cluster says it.

        """
        return self.parts()

    async def silent_nodes(self) -> SilentNodes:
        """Return the nodes that do not answer at the moment; a store alone has none, and is not asked.

        Raises:
            StoreError: no node of a cluster answers.

        """
        return SilentNodes((self,))

    async def tell(self, channel: str, message: str | bytes) -> None:
        """Publish a message to those who subscribed to a channel in the same database.

        Raises:
            StoreError: the store is unavailable, or refused the command.

        """
        await command(self, "PUBLISH", self.channel_prefix + channel, message)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command; see redis-py."""
        try:
            answer = await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except CALL_ERRORS as error:
            self.health.failed(args[:2], translate(error))
            raise
        self.health.answered(args[:2])
        return answer

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections."""
        self.caller.close()
        await super().aclose(close_connection_pool)
        if isinstance(self.connection_pool, PrimaryPool):
            await self.connection_pool.close_directory()

    async def follow_nodes(self) -> None:
        """Learn which nodes hold the store, until cancelled; where that cannot change, return at once.

        Behind sentinels, a primary is left as soon as they name another.
        """
        pool = self.connection_pool
        while isinstance(pool, PrimaryPool):
            with suppress(*CALL_ERRORS):  # a connection that fails for want of an address says so
                await pool.get_master_address()
            await asyncio.sleep(ASK_S)

    async def open_connection(self) -> AbstractConnection:
        """Make a connection outside the client's pool.

        Raises:
            RedisError: the store is not there, refuses, or another primary was named meanwhile.
            OSError: the same.

        """
        connection: AbstractConnection = self.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            if isinstance(self.connection_pool, PrimaryPool):
                self.connection_pool.check(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def open_detached(self) -> asyncio.StreamWriter:
        """Connect, and leave the connection to the caller: address, TLS, credentials and database are as everywhere.

        Raises:
            StoreError: the store is not there, or refuses.

        """
        try:
            connection = await self.open_connection()
        except CALL_ERRORS as error:
            raise translate(error) from error
        # redis-py does not call this public. It has read nothing ahead, as a store of RESP2 sends nothing unasked.
        writer, connection._writer, connection._reader = connection._writer, None, None  # noqa: SLF001
        assert writer is not None, "it is connected"
        return writer

    def leave_primary(self, address: Address) -> None:
        """End what leads to the primary before, as another is named at `address`."""
        self.health.moved(address)
        fault = StoreDemotedError("the sentinels name another primary")
        self.caller.leave(fault)
        for connection in self.feeds:
            if connection._writer is not None:  # noqa: SLF001 - its reader has to notice, which `disconnect` prevents
                connection._writer.transport.abort()  # noqa: SLF001


def store_of(store: Redis) -> Store:
    """Return a client that `open_store` gave as what it is."""
    assert isinstance(store, Store)
    return store


def keys_of(store: Redis) -> StoreKeys:
    """Return the names of keys and channels in the store of a client that `open_store` gave, by its key prefix."""
    return store_of(store).key_names


def command_pool_of(store: Redis) -> CommandPool:
    """Return what makes the hot calls of a client that `open_store` gave."""
    return store_of(store).caller


async def command(store: Redis, *args: Any) -> Any:
    """Send one command and return the answer as it came (bytes, ints, lists).

    Raises:
        StoreError: the store is unavailable or full, or refused the command.

    """
    try:
        return await store.execute_command(*args)  # type: ignore[no-untyped-call]
    except CALL_ERRORS as error:
        raise translate(error) from error


async def read_values(store: Redis, keys: Sequence[str]) -> list[bytes | None]:
    """Return the values of some keys, in their order; None: there is none. Reads `READ_AT_ONCE` of them at a time.

    Raises:
        StoreError: the store is unavailable, or refused the command.

    """
    values: list[bytes | None] = []
    for first in range(0, len(keys), READ_AT_ONCE):
        values += await command(store, "MGET", *keys[first : first + READ_AT_ONCE])
    return values
