"""A queue that is spread over the nodes of a cluster, in an installation with names and a user of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from partitions.spread_load import KINDS, assert_exact_while_spread
from store.test_key_prefix import granted
from support.stores.cluster import StoreCluster, running_cluster
from support.system import running_server, running_worker
from support.tidings_command import run_tidings
from tidings.store.keys import StoreKeys
from tidings.store.placement.partition_names import partition_names

PREFIX = "acme"
NAMES = partition_names("wide", 8)


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster(replicas=False) as one:
        for node in one.nodes:
            one.ask(node, *granted(PREFIX, "+cluster|slots", "+asking"))
        yield one


async def test_a_queue_of_an_installation_is_spread_over_all_nodes_by_a_user_of_its_names_alone(
    cluster: StoreCluster, tmp_path: Path
) -> None:
    url = cluster.url.replace("://", f"://{PREFIX}:pw@")
    places = {"TIDINGS_STORE_URL": url, "TIDINGS_KEY_PREFIX": PREFIX}
    settings = {"TIDINGS_KEY_PREFIX": PREFIX, "TIDINGS_HEARTBEAT_S": "0.3"}

    async def spread(count: int) -> None:
        done = await anyio.to_thread.run_sync(lambda: run_tidings("partitions", "wide", str(count), **places))
        assert done.returncode == 0, done

    with ExitStack() as running:
        note = str(tmp_path / "failures")
        running.enter_context(running_worker(url, KINDS, **settings, FAILURES=note))
        servers = [running.enter_context(running_server(url, kinds=1, **settings)) for _ in range(2)]
        used = await assert_exact_while_spread(servers, tmp_path / "runs", spread)
        assert "may use all that is needed" in run_tidings("doctor", **places).stdout
    assert {cluster.holder(StoreKeys(PREFIX).root(name)) for name in used} == set(cluster.primaries)
    assert used <= set(NAMES)
    for node in cluster.nodes:
        names = cluster.names(cluster.ask(node, "KEYS", "*"))
        assert names, "each node holds some of it"
        assert [name for name in names if not name.startswith(f"{PREFIX}:")] == []
        assert [one for one in cluster.names(cluster.ask(node, "ACL", "LOG")) if "client|setinfo" not in str(one)] == []
