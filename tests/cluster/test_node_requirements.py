"""Each node of a cluster is judged when a process starts, and named with what it lacks."""

from collections.abc import Iterator

import pytest

from support.stores.cluster import StoreCluster, running_cluster
from support.stores.shortfalls import lacking
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.settings.settings import StoreSettings
from tidings.store.redis.cluster import cluster_nodes
from tidings.store.requirements import store_facts
from tidings.store.requirements.start_check import require_store


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster(2, replicas=False) as one:
        yield one


async def test_each_node_is_named_with_what_it_lacks_and_the_doctor_says_the_same(cluster: StoreCluster) -> None:
    first, second = (f"127.0.0.1:{one.port}" for one in cluster.primaries)
    memory = StoreSettings(store_url=cluster.url)
    assert await lacking(memory) == []
    cluster.ask(cluster.primaries[0], "CONFIG", "SET", "cluster-require-full-coverage", "yes")
    cluster.ask(cluster.primaries[1], "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    found = {one.node: one for one in await lacking(memory)}
    assert (found[first].check, found[first].refuses) == ("store.coverage", False)
    assert (found[second].check, found[second].refuses) == ("store.eviction", True)
    told = run_tidings("doctor", TIDINGS_STORE_URL=cluster.url).stdout
    assert f"node {first}: cluster-require-full-coverage is yes" in told
    assert f"node {second}: allkeys-lru: it deletes" in told
    for node in cluster.primaries:
        cluster.ask(node, "CONFIG", "SET", "cluster-require-full-coverage", "no")
        cluster.ask(node, "CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_every_node_has_to_write_before_it_answers(cluster: StoreCluster) -> None:
    cluster.ask(cluster.primaries[0], "CONFIG", "SET", "appendfsync", "always")
    (found,) = await lacking(StoreSettings(store_url=cluster.url, durability="fsync"))
    assert (found.node, found.refuses) == (f"127.0.0.1:{cluster.primaries[1].port}", True)


async def test_a_node_that_is_away_keeps_no_process_from_starting(cluster: StoreCluster) -> None:
    cluster.primaries[1].kill()
    try:
        await require_store(StoreSettings(store_url=cluster.url))
    finally:
        cluster.start_again(cluster.primaries[1])


@pytest.mark.parametrize("frozen", [0, 1])
async def test_a_node_that_stands_still_keeps_no_process_from_starting(
    cluster: StoreCluster, monkeypatch: pytest.MonkeyPatch, frozen: int
) -> None:
    monkeypatch.setattr(store_facts, "ANSWER_S", scaled(0.3))
    monkeypatch.setattr(cluster_nodes, "ANSWER_S", scaled(0.3))
    with cluster.stopped(cluster.primaries[frozen]):
        await require_store(StoreSettings(store_url=cluster.url))
