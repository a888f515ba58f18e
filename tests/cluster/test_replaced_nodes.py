"""Calls on their way to a node of a cluster that turns out to hold nothing any more, as another took its place."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from support.stores.cluster import StoreCluster, running_cluster
from support.timeouts import scaled
from tidings.settings.durability import Replication
from tidings.store.attempts.attempt_store import MemoReply
from tidings.store.availability.store_errors import StoreUnconfirmedError
from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.cluster_store import ClusterStore
from tidings.store.redis.cluster.slot_map import slot_of
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import open_store

KEY = StoreKeys().root("aa")


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster(1, replicas=False) as one:
        yield one


@asynccontextmanager
async def misled(cluster: StoreCluster, replication: Replication | None = None) -> AsyncIterator[ClusterStore]:
    """Open a client which takes the word of a node, as of one that is behind, that a silent address holds the key.

    The connection there never stands. A moment later the client learns from the cluster who holds all slots.
    """
    store = open_store(cluster.url, replication=replication)
    assert isinstance(store, ClusterStore)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        await store.caller.ask("PING")
        store.nodes.moved(slot_of(KEY), silent.getsockname())
        try:
            with anyio.fail_after(scaled(5)):
                yield store
        finally:
            await store.aclose()


async def test_a_call_goes_to_the_node_that_holds_its_key_now(cluster: StoreCluster) -> None:
    async with misled(cluster) as store:
        assert await store.caller.ask("SET", f"{KEY}a", "1") == b"OK"


async def test_a_command_that_waits_in_the_store_waits_at_the_node_that_holds_its_key_now(
    cluster: StoreCluster,
) -> None:
    cluster.ask(cluster.primaries[0], "XADD", f"{KEY}s", "1-1", "id", "j")
    async with misled(cluster) as store:
        assert await store.caller.wait("XREAD", "BLOCK", 5_000, "STREAMS", f"{KEY}s", "0")


async def test_a_call_that_replicas_must_confirm_is_done_by_the_node_that_holds_its_key_now(
    cluster: StoreCluster,
) -> None:
    record = Script("once", list[MemoReply], acknowledged=True)
    async with misled(cluster, Replication(1, 0.01)) as store:
        with pytest.raises(StoreUnconfirmedError, match="0 of 1 replicas"):
            await record(store, KEY, ([("j", 1, "a", "1")],))
