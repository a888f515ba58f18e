"""The connections to a primary that sentinels name, and its change.

When another primary is named, a process must leave the old one at once: where nothing has failed (an operator asked for
the change), the old one may go on taking writes for ten seconds and lose them all when the sentinels make it follow. So
the sentinels are asked before each connection, and every second while there is nothing to connect.

Source: https://valkey.io/topics/sentinel-clients/
"""

from collections.abc import Callable
from typing import Any

import redis
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.sentinel import SentinelConnectionPool as BlockingPool

from tidings.settings.store_url import StoreUrl

from .address_vote import Address
from .sentinel_directory import BlockingDirectory, SentinelDirectory

ASK_S = 1.0
"""Time between two questions who the primary is."""


class PrimaryPool(SentinelConnectionPool):
    """A pool of redis-py's that says when sentinels name another primary."""

    def __init__(self, url: StoreUrl, **options: Any) -> None:
        """Prepare; nothing is connected yet.

        Args:
            url: lists the sentinels.
            options: of each connection to the primary.

        """
        self.on_moved: Callable[[Address], None] = lambda _: None
        """Called with the address of another primary than the one before."""
        self._directory = SentinelDirectory(url)
        named = dict(parse_url(url.address))
        for name in ("host", "port", "connection_class"):
            named.pop(name, None)
        super().__init__(url.service, self._directory, ssl=url.tls, **(named | options))  # type: ignore[no-untyped-call]

    async def get_master_address(self) -> Address:
        """Return the primary's address, asked for; redis-py calls this before each connection.

        Raises:
            SentinelError: no sentinel named one.

        """
        before = self.master_address
        address: Address = await super().get_master_address()  # type: ignore[no-untyped-call]
        if before is not None and before != address:
            self.on_moved(address)
        return address

    def check(self, connection: AbstractConnection) -> None:
        """See that a connection leads to the primary that was named last.

        Raises:
            ConnectionError: of redis-py; another primary was named while it was made.

        """
        place = (getattr(connection, "host", ""), getattr(connection, "port", 0))
        if self.master_address not in (None, place):
            raise redis.exceptions.ConnectionError("the sentinels named another primary while this process connected")

    async def close_directory(self) -> None:
        """Close the connections to the sentinels."""
        await self._directory.aclose()


def blocking_client(url: StoreUrl, node: Address | None = None, **options: Any) -> "redis.Redis":
    """Return a client for a thread; nothing is connected yet.

    Args:
        url: the store's own address, or one that lists sentinels, or nodes of a cluster.
        node: of a cluster, the node that it is for.
        options: of each connection.

    """
    if node is not None:
        named = {**redis.connection.parse_url(url.address), "host": node[0], "port": node[1]}  # type: ignore[no-untyped-call]
        return redis.Redis.from_pool(redis.ConnectionPool(**named, **options))
    if not url.service:
        return redis.Redis.from_url(url.address, **options)
    named = dict(redis.connection.parse_url(url.address))  # type: ignore[no-untyped-call]
    for name in ("host", "port", "connection_class"):
        named.pop(name, None)
    pool = BlockingPool(url.service, BlockingDirectory(url), ssl=url.tls, **(named | options))  # type: ignore[no-untyped-call]
    return redis.Redis.from_pool(pool)
