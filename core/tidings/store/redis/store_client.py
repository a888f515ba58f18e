"""Opening the store: one place for addresses, time limits and pool sizes."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tidings.settings.durability import Replication
from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX
from tidings.settings.store_url import EMBEDDED, StoreUrl, parse_store_url, show_store_url
from tidings.store.availability.connect_diagnosis import explain_connect_error
from tidings.store.availability.store_errors import StoreError, StoreUnavailableError
from tidings.store.availability.store_health import StoreHealth, log_nothing
from tidings.store.embedded.embedded_store import resolve_url
from tidings.store.keys import StoreKeys
from tidings.store.sentinel.address_vote import Address
from tidings.store.sentinel.primary_pool import PrimaryPool

from .cluster.cluster_store import ClusterStore
from .cluster.node_health import health_of
from .cluster.reconnect_pause import ReconnectPause
from .command_pool import CommandPool
from .single_store import CALL_ERRORS, Store, command, command_pool_of, keys_of, read_values, store_of

__all__ = [
    "CALL_ERRORS", "CALL_TIMEOUT_S", "Store", "check_store", "command", "command_pool_of", "keys_of", "no_store_at",
    "open_store", "read_values", "redact_url", "resolve_store_url", "store_of",
]  # fmt: skip

CALL_TIMEOUT_S = 10.0
"""How long one command may take before the store counts as unavailable."""

CONNECT_TIMEOUT_S = 5.0

MAX_CONNECTIONS = 1000
"""The pool's bound; redis-py's own default of 100 blocks a busy process."""


def open_store(
    url: str,
    *,
    timeout: float | None = CALL_TIMEOUT_S,
    health: StoreHealth | None = None,
    replication: Replication | None = None,
    key_prefix: str = DEFAULT_KEY_PREFIX,
) -> Store:
    """Return a client for `url`; nothing is connected yet.

    Args:
        url: see `parse_store_url`.
        timeout: seconds one answer may take; None for connections that wait (subscriptions).
        health: what all clients of one process share; None: one of its own that logs nothing.
        replication: the replicas that must have what is acknowledged; None: the store alone.
        key_prefix: what stands before every key and channel of the installation (`keys_of`).

    Raises:
        StoreUrlError: the address is malformed.
        StoreUnavailableError: no embedded store runs in that folder.

    """
    place = resolve_store_url(url)
    # Half-open TCP connections are found by the kernel; a unix socket knows none.
    extra = {} if place.address.startswith("unix:") else {"socket_keepalive": True}
    options: dict[str, Any] = {
        "protocol": 2,  # the form of answers then does not depend on redis-py's release
        "socket_timeout": timeout,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "max_connections": MAX_CONNECTIONS,
        # Who may repeat what is decided where the operation is known, not in the client.
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        **extra,
    }
    process = health or StoreHealth(tell=log_nothing)
    if place.cluster:
        store = _open_cluster(place, options, process, timeout, replication)
    elif place.service:
        pool = PrimaryPool(place, **options)
        store = _equipped(Store.from_pool(pool), process, timeout)
        pool.on_moved = store.leave_primary
    else:
        store = _equipped(Store.from_url(place.address, **options), process, timeout)
    if replication is not None:
        store.caller.wait_for_replicas(replication)
    store.key_names = StoreKeys(key_prefix)
    return store


def _equipped(opened: Redis, health: StoreHealth, timeout: float | None, *, of_cluster: bool = False) -> Store:
    store = store_of(opened)
    store.feeds = set()
    store.health = health
    connect = ReconnectPause(store.open_detached) if of_cluster else store.open_detached
    store.caller = CommandPool(connect, health, timeout, store.channel_prefix)
    return store


def _open_cluster(
    place: StoreUrl,
    options: dict[str, Any],
    health: StoreHealth,
    timeout: float | None,
    replication: Replication | None,
) -> Store:
    named: dict[str, Any] = {**parse_url(place.address), **options}

    def open_node(address: Address) -> Store:
        pool = ConnectionPool(**{**named, "host": address[0], "port": address[1]})
        node = _equipped(Store.from_pool(pool), health_of(health, address), timeout, of_cluster=True)
        if replication is not None:
            node.caller.wait_for_replicas(replication)
        node.key_names = keys_of(store)
        return node

    store = ClusterStore.from_url(place.address, **options)
    assert isinstance(store, ClusterStore)
    store.feeds = set()
    store.join(place.hosts, open_node, health, timeout)
    return store


async def check_store(url: str) -> None:
    """Raise `StoreUnavailableError` with one clear line unless a store answers at `url`."""
    store = open_store(url)
    try:
        await command(store, "PING")
    except StoreError as error:
        raise no_store_at(url, error) from error
    finally:
        await store.aclose()


def no_store_at(url: str, error: StoreError) -> StoreUnavailableError:
    """Return the error for a store that does not answer at `url`: one line that says what to do.

    Args:
        url: as of `open_store`.
        error: what the first question came to.

    """
    return StoreUnavailableError(explain_connect_error(error.__cause__ or error, resolve_store_url(url)))


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
