"""A cluster of three primaries and three replicas, with real servers, workers and clients."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from cluster.kind_files import ALL_KINDS, KIND_FILE, QUEUES
from cluster.submissions import Submissions
from store.test_permissions import ESCAPED, granted
from support.peer import peer
from support.stores.cluster import StoreCluster, running_cluster
from support.system import ServerProcess, WorkerProcess, running_server, running_worker
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.slot_map import slot_of
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import open_store

QUICK = {"TIDINGS_LEASE_S": "2", "TIDINGS_HEARTBEAT_S": "0.4"}
LEASE_S = 2.0

KEYS = StoreKeys()


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster() as one:
        yield one


@pytest.fixture(scope="module")
def workers(cluster: StoreCluster) -> Iterator[list[WorkerProcess]]:
    with running_worker(cluster.url, KIND_FILE, **QUICK) as one, running_worker(cluster.url, KIND_FILE, **QUICK) as two:
        yield [one, two]


@pytest.fixture(scope="module")
def server(cluster: StoreCluster, workers: list[WorkerProcess]) -> Iterator[ServerProcess]:
    with running_server(cluster.url, kinds=ALL_KINDS) as one:
        yield one


async def assert_all_succeed(server: ServerProcess, tokens: list[str]) -> None:
    async with peer(server.socket_url) as client:
        for token in tokens:
            await client.send("watch", token=token)
        ends = await client.ends(*tokens)
    assert Counter(ends.values()) == {"succeeded": len(tokens)}


def test_status_shows_nodes_and_slots(cluster: StoreCluster, server: ServerProcess) -> None:
    shown = run_tidings("status", TIDINGS_STORE_URL=cluster.url)
    for node in cluster.primaries:
        assert f"127.0.0.1:{node.port}" in shown.stdout, shown
    assert "5461" in shown.stdout
    assert '"on_third"' in run_tidings("status", "--json", TIDINGS_STORE_URL=cluster.url).stdout


def test_the_guides_user_is_enough_on_a_cluster(cluster: StoreCluster) -> None:
    for node in cluster.nodes:
        cluster.ask(node, *granted(), "+cluster|slots", "+asking")
        cluster.ask(node, "ACL", "LOG", "RESET")
    url = cluster.url.replace("://", f"://tidings:{ESCAPED}@")
    with running_worker(url, KIND_FILE, TIDINGS_NAME="guide"), running_server(url, kinds=ALL_KINDS) as server:
        told = run_tidings("submit", "on_second", "n=7", "--follow", "--url", server.url, TIDINGS_STORE_URL=url)
        assert told.stdout == "7\n", told
        doctor = run_tidings("doctor", TIDINGS_STORE_URL=url).stdout
        assert "may use all that is needed" in doctor, doctor
    entries = [entry for node in cluster.nodes for entry in cluster.names(cluster.ask(node, "ACL", "LOG"))]
    assert not [entry for entry in entries if "client|setinfo" not in str(entry)]


async def test_a_slot_that_moves_to_a_new_node_under_load_strands_no_job(
    cluster: StoreCluster, server: ServerProcess, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    note = tmp_path / "runs"
    load = Submissions(str(note))
    slot, old = slot_of(KEYS.root("dd")), cluster.holder(KEYS.root("dd"))
    async with peer(server.socket_url) as one, peer(server.socket_url) as two, anyio.create_task_group() as tasks:
        tasks.start_soon(load.submit, one, "on_third")
        tasks.start_soon(load.submit, two, "on_third")
        new = await anyio.to_thread.run_sync(cluster.add_node)
        await load.until(80)
        begun = time.monotonic()
        moved = await anyio.to_thread.run_sync(cluster.move_slot, slot, old, new)
        took = time.monotonic() - begun
        await load.until(50)
        load.over = True
    print(f"{moved} keys moved in {took:.2f} s; ack gap {load.longest_s:.2f} s; {len(load.acked)} jobs")  # noqa: T201
    await assert_all_succeed(server, load.acked)
    runs = note.read_text().split()
    assert len(runs) == len(load.acked), "each ran once"
    await anyio.to_thread.run_sync(cluster.move_slot, slot, new, old)


async def test_no_script_runs_on_a_half_of_its_partition(cluster: StoreCluster) -> None:
    slot, old, new = slot_of(KEYS.root("half")), cluster.holder(KEYS.root("half")), cluster.primaries[0]
    if old is new:
        new = cluster.primaries[1]
    store = open_store(cluster.url)
    await store.execute_command("SET", KEYS.root("half") + "a", "1")
    await store.execute_command("SET", KEYS.root("half") + "b", "1")
    cluster.begin_move(slot, old, new)
    cluster.move_keys(old, new, [KEYS.root("half") + "a"])
    running = Script("kinds_seen", object)(store, KEYS.root("half"), ("any",))
    await anyio.sleep(0.3)
    assert not running.done()
    cluster.move_slot(slot, old, new)
    with anyio.fail_after(scaled(10)):
        await running
    await store.aclose()


async def test_jobs_outlive_the_death_of_a_primary_which_costs_the_other_nodes_nothing(
    cluster: StoreCluster, server: ServerProcess, workers: list[WorkerProcess]
) -> None:
    loads = {kind: Submissions() for kind in QUEUES}
    async with (
        peer(server.socket_url) as first,
        peer(server.socket_url) as second,
        peer(server.socket_url) as third,
        anyio.create_task_group() as tasks,
    ):
        for client, kind in zip((first, second, third), QUEUES, strict=True):
            tasks.start_soon(loads[kind].submit, client, kind)
        hurt = loads["on_second"]
        await hurt.until(40)
        dead = cluster.holder(KEYS.root("bb"))
        await anyio.to_thread.run_sync(cluster.confirm, dead, KEYS.root("bb"))
        safe = len(hurt.acked)
        for load in loads.values():
            load.longest_s = 0.0
        dead.kill()
        await hurt.until(2)
        after = len(hurt.acked)
        await hurt.until(20)
        for load in loads.values():
            load.over = True
    gaps = {kind: round(load.longest_s, 2) for kind, load in loads.items()}
    print(f"{safe} of the node's jobs replicated before the kill; longest ack gaps, s: {gaps}")  # noqa: T201
    others = [*loads["on_first"].acked, *loads["on_third"].acked]
    assert max(gaps["on_first"], gaps["on_third"]) < gaps["on_second"] / 2
    await assert_all_succeed(server, [*hurt.acked[:safe], *hurt.acked[after:], *others])
    assert "Traceback" not in server.text() + workers[0].text() + workers[1].text()
    await anyio.to_thread.run_sync(cluster.start_again, dead)


async def test_a_node_that_is_away_past_the_lease_costs_its_jobs_a_pause_and_no_attempt(
    cluster: StoreCluster, server: ServerProcess, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    path = tmp_path / "go"
    away = cluster.holder(KEYS.root("dd"))
    other = Submissions()
    async with peer(server.socket_url) as client, peer(server.socket_url) as second, anyio.create_task_group() as tasks:
        tokens = [(await client.submit("wait_on_third", {"path": str(path)}))["token"] for _ in range(8)]
        await until_async(lambda: all(server.get(f"/v1/jobs/{token}")[1]["status"] == "running" for token in tokens))
        await anyio.to_thread.run_sync(cluster.forbid_failover, away)
        tasks.start_soon(other.submit, second, "on_second")
        away.kill()
        name = f"127.0.0.1:{away.port}"
        told = await until_async(lambda: server.get("/readyz"), lambda told: name in told[1]["deaf_nodes"], seconds=20)
        assert told[0] == 200, told
        await anyio.sleep(2 * LEASE_S)
        await other.until(20)
        other.over = True
        await anyio.to_thread.run_sync(cluster.start_again, away)
        await until_async(lambda: not server.get("/readyz")[1]["deaf_nodes"])
        await anyio.sleep(LEASE_S / 2)
        path.touch()
        assert set((await client.ends(*tokens)).values()) == {"succeeded"}
    for token in tokens:
        snapshot = server.get(f"/v1/jobs/{token}")[1]
        assert snapshot["attempt"] == 1, snapshot
    assert not any("taken_over" in worker.text() for worker in workers)
    assert other.longest_s < LEASE_S, "jobs of other nodes went on"
