"""Connections to the store: one place for addresses, time limits and pool sizes."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tidings.settings.store_url import EMBEDDED, StoreUrl, parse_store_url, show_store_url
from tidings.store.availability.connect_diagnosis import explain_connect_error
from tidings.store.availability.store_errors import StoreDemotedError, StoreUnavailableError, translate
from tidings.store.availability.store_health import StoreHealth, log_nothing
from tidings.store.embedded.embedded_store import resolve_url
from tidings.store.sentinel.address_vote import Address
from tidings.store.sentinel.primary_pool import ASK_S, PrimaryPool

from .command_pool import CommandPool

CALL_TIMEOUT_S = 10.0
"""How long one command may take before the store counts as unavailable."""

CONNECT_TIMEOUT_S = 5.0

READ_AT_ONCE = 200
"""Values that one command reads at the most: the store answers no other client meanwhile."""

CALL_ERRORS = (RedisError, OSError, RuntimeError)
"""What a call of redis-py's raises when the store is away. Among them RuntimeError: uvloop says so, and redis-py
does not translate it, where a connection was reset between two calls and the second writes to it."""

MAX_CONNECTIONS = 1000
"""The pool's bound; redis-py's own default of 100 blocks a busy process."""


class Store(Redis):
    """A client whose every call its process's `StoreHealth` hears of."""

    health: StoreHealth
    caller: CommandPool
    """Makes the calls that every job needs."""
    feeds: set[AbstractConnection]
    """The connections on which this process listens."""

    @property
    def channel_prefix(self) -> str:
        """What stands before the names of all channels; empty in database 0.

        Channels belong to no database: without it two installations in two databases of one store would hear each
        other. Source: https://redis.io/docs/latest/develop/interact/pubsub/ ("Database & Scoping")
        """
        database = int(self.connection_pool.connection_kwargs.get("db") or 0)
        return f"db{database}:" if database else ""

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

    async def follow_primary(self) -> None:
        """Leave a primary as soon as sentinels name another, until cancelled; without sentinels return at once."""
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


def command_pool_of(store: Redis) -> CommandPool:
    """Return what makes the hot calls of a client that `open_store` gave."""
    return store_of(store).caller


def open_store(url: str, *, timeout: float | None = CALL_TIMEOUT_S, health: StoreHealth | None = None) -> Store:
    """Return a client for `url`; nothing is connected yet.

    Args:
        url: see `parse_store_url`.
        timeout: seconds one answer may take; None for connections that wait (subscriptions).
        health: what all clients of one process share; None: one of its own that logs nothing.

    Raises:
        StoreUrlError: the address is malformed.
        StoreUnavailableError: no embedded store runs in that folder.

    """
    place = resolve_store_url(url)
    # Half-open TCP connections are found by the kernel; a unix socket knows none.
    extra = {} if place.address.startswith("unix:") else {"socket_keepalive": True}
    store = _client(
        place,
        protocol=2,  # the form of answers then does not depend on redis-py's release
        socket_timeout=timeout,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        max_connections=MAX_CONNECTIONS,
        # Who may repeat what is decided where the operation is known, not in the client.
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        **extra,
    )
    store.feeds = set()
    store.health = health or StoreHealth(tell=log_nothing)
    store.caller = CommandPool(store.open_detached, store.health, timeout, store.channel_prefix)
    return store


def _client(place: StoreUrl, **options: Any) -> Store:
    if place.service:
        pool = PrimaryPool(place, **options)
        store = store_of(Store.from_pool(pool))
        pool.on_moved = store.leave_primary
        return store
    return store_of(Store.from_url(place.address, **options))


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


async def check_store(url: str) -> None:
    """Raise `StoreUnavailableError` with one clear line unless a store answers at `url`."""
    store = open_store(url)
    try:
        await store.ping()
    except CALL_ERRORS as error:
        raise StoreUnavailableError(explain_connect_error(error, resolve_store_url(url))) from error
    finally:
        await store.aclose()


def resolve_store_url(url: str) -> StoreUrl:
    """Return an address, of an embedded store that of its socket.

    Raises:
        StoreUrlError: the address is malformed.
        StoreUnavailableError: no embedded store runs in that folder.

    """
    place = parse_store_url(url)
    return parse_store_url(resolve_url(url)) if place.address.startswith(EMBEDDED) else place


def redact_url(url: str) -> str:
    """Return `url` without user name and password."""
    return show_store_url(url)
