"""The sentinels of one store, asked for its primary's address: by the event loop, or by a thread."""

import asyncio
from typing import Any, Final

import anyio
import redis
import redis.asyncio
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tidings.settings.store_url import StoreUrl

from .address_vote import Address, AddressVote

ANSWER_S = 2.0
"""How long a sentinel may take to answer, and to be connected to."""

LATE_S = 0.1
"""How long the last sentinels may still take when those before have decided: what is cut short connects again."""

_QUESTION = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME")

_ERRORS = (RedisError, OSError, RuntimeError)

_OF_PRIMARY: Final = frozenset({"host", "port", "db", "username", "password", "client_name", "connection_class"})
"""What of an address concerns the primary alone; what is left are the options of TLS, which both have in common."""


def sentinel_options(url: StoreUrl, parsed: dict[str, Any]) -> dict[str, Any]:
    """Return how sentinels are connected to.

    Args:
        url: the address.
        parsed: what redis-py makes of its `address`.

    """
    return {name: value for name, value in parsed.items() if name not in _OF_PRIMARY} | {
        "username": url.sentinel_username,
        "password": url.sentinel_password,
        "protocol": 2,
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
        "health_check_interval": 0,
    }


class SentinelDirectory:
    """For an event loop; keeps a connection to each sentinel. In the place of redis-py's `Sentinel`."""

    def __init__(self, url: StoreUrl) -> None:
        self._url = url
        parsed: dict[str, Any] = dict(redis.asyncio.connection.parse_url(url.address))
        options = sentinel_options(url, parsed) | {"retry": Retry(NoBackoff(), 0)}
        if url.tls:
            options["connection_class"] = SSLConnection
        self._clients = {
            (host, port): redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(host=host, port=port, **options))
            for host, port in url.hosts
        }

    async def discover_master(self, service_name: str) -> Address:
        """Return the primary's address; redis-py's pool calls this before each connection.

        Raises:
            SentinelError: no sentinel named one.

        """
        vote = AddressVote(self._url)
        async with anyio.create_task_group() as tasks:
            for place, client in self._clients.items():
                tasks.start_soon(self._ask, place, client, service_name, vote, tasks.cancel_scope, name="sentinel")
        return vote.outcome()

    @staticmethod
    async def _ask(
        place: Address,
        client: "redis.asyncio.Redis",
        service: str,
        vote: AddressVote,
        scope: anyio.CancelScope,
    ) -> None:
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                vote.take(place, _address(await client.execute_command(*_QUESTION, service)))  # type: ignore[no-untyped-call]
        except (*_ERRORS, TimeoutError, ValueError) as error:
            vote.take(place, error)
        if vote.decided:
            scope.deadline = min(scope.deadline, anyio.current_time() + LATE_S)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


class BlockingDirectory:
    """For a thread; connects for each question. In the place of redis-py's `Sentinel`."""

    def __init__(self, url: StoreUrl) -> None:
        self._url = url
        self._options = sentinel_options(url, dict(redis.connection.parse_url(url.address)))  # type: ignore[no-untyped-call]
        if url.tls:
            self._options["connection_class"] = redis.SSLConnection

    def discover_master(self, service_name: str) -> Address:
        """Return the primary's address; redis-py's pool calls this before each connection.

        Raises:
            SentinelError: no sentinel named one.

        """
        vote = AddressVote(self._url)
        for host, port in self._url.hosts:
            client = redis.Redis.from_pool(redis.ConnectionPool(host=host, port=port, **self._options))
            try:
                vote.take((host, port), _address(client.execute_command(*_QUESTION, service_name)))  # type: ignore[no-untyped-call]
            except (*_ERRORS, ValueError) as error:
                vote.take((host, port), error)
            finally:
                client.close()
            if vote.decided:
                break
        return vote.outcome()


def _address(answer: Any) -> Address | None:
    """Return what a sentinel says as host and port.

    Raises:
        ValueError: it is neither an address nor nothing.

    """
    if answer is None:
        return None
    host, port = answer
    return host.decode(), int(port)
