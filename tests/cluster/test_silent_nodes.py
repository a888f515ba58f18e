"""While a node of a cluster is away, what operators see is what the others tell, and says what it lacks."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import pytest

from cluster.kind_files import ALL_KINDS, FAILING_KIND_FILE, KIND_FILE
from cluster.kind_files import QUEUES as KINDS_IN_QUEUES
from metric.tape import Tape
from support.scrape import Scraped, scrape
from support.stores.cluster import StoreCluster, running_cluster
from support.system import ServerProcess, WorkerProcess, running_server, running_worker
from support.tidings_command import run_tidings
from support.waiting import until, until_async
from tidings import Client, JobFailed, SubmitOptions
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_cli.command_errors import EXIT_STORE
from tidings_cli.top.poll import Poller

KEYS = StoreKeys()
QUEUES = {*KINDS_IN_QUEUES.values()}

LISTS = ("dead", "jobs", "jobs?state=running", "sagas", "groups", "webhooks", "webhooks?state=dead", "webhooks/places")
"""Of `/v1/admin`, over all queues."""

COMMANDS = (
    ("saga", "list"),
    ("events", "list"),
    ("webhook", "list"),
    ("dead", "drop", "--all"),
    ("dead", "list"),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster(replicas=False) as one:
        yield one


@pytest.fixture(scope="module")
def worker(cluster: StoreCluster) -> Iterator[WorkerProcess]:
    with running_worker(cluster.url, KIND_FILE) as one:
        yield one


@pytest.fixture(scope="module")
def server(cluster: StoreCluster, worker: WorkerProcess) -> Iterator[ServerProcess]:
    with running_server(cluster.url, kinds=ALL_KINDS) as one:
        yield one


async def overview(server: ServerProcess, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first overview of which something holds."""
    _, seen = await until_async(
        lambda: anyio.to_thread.run_sync(server.get, "/v1/admin/overview"),
        lambda answer: answer[0] == 200 and holds(answer[1]),
    )
    return dict(seen)


async def page(server: ServerProcess, holds: Callable[[Scraped], bool]) -> Scraped:
    """Return the first page of metrics of which something holds."""
    return await until_async(lambda: anyio.to_thread.run_sync(scrape, f"{server.url}/metrics"), holds)


def queues_of(seen: dict[str, Any]) -> set[str]:
    return {one["queue"] for one in seen["queues"]}


async def status(cluster: StoreCluster, *flags: str) -> subprocess.CompletedProcess[str]:
    def run() -> subprocess.CompletedProcess[str]:
        return run_tidings("status", *flags, TIDINGS_STORE_URL=cluster.url)

    return await anyio.to_thread.run_sync(run)


async def test_a_dead_node_takes_its_own_queues_from_what_operators_see_and_nothing_else(
    cluster: StoreCluster, server: ServerProcess, tmp_path: Path
) -> None:
    whole = await overview(server, lambda seen: queues_of(seen) == QUEUES and len(seen["workers"]) == 1)
    assert (whole["store"]["silent_nodes"], whole["store"]["missing_queues"], whole["store"]["stale"]) == ([], [], [])
    tape = Tape()
    tape.play(20, {"s1": await page(server, lambda one: one.has("tidings_backlog_jobs", queue="dd"))})
    tape.firing()
    dead = cluster.holder(KEYS.root("dd"))
    name = f"127.0.0.1:{dead.port}"
    dead.kill()
    seen = await overview(server, lambda seen: bool(seen["store"]["silent_nodes"]))
    assert (seen["store"]["silent_nodes"], seen["store"]["missing_queues"]) == ([name], ["dd"])
    assert (queues_of(seen), seen["store"]["stale"], len(seen["workers"])) == (QUEUES - {"dd"}, [], 1)
    assert seen["store"]["memory"] > 0
    now = await page(server, lambda one: one.sum("tidings_store_silent_nodes") == 1)
    assert (now.sum("tidings_store_up"), now.sum("tidings_store_unread_queues"), now.sum("tidings_workers")) == (
        1,
        1,
        1,
    )
    tape.play(9, {"s1": now})
    tape.firing("TidingsStoreNodeSilent")
    await anyio.to_thread.run_sync(tape.check, tmp_path)
    assert now.has("tidings_backlog_jobs", queue="aa")
    assert not now.has("tidings_backlog_jobs", queue="dd")
    for path in ("series", "objectives"):  # which the console's overview shows beside it
        assert (await anyio.to_thread.run_sync(server.get, f"/v1/admin/{path}"))[0] == 200
    shown = await status(cluster)
    assert shown.returncode == EXIT_STORE, shown
    assert f"The node {name} of the store does not answer" in shown.stdout
    assert "Nothing is known at the moment of these queues: dd." in shown.stdout
    told = json.loads((await status(cluster, "--json")).stdout)
    assert {one["queue"] for one in told["queues"]} == QUEUES - {"dd"}
    store = open_store(cluster.url)
    polled = await Poller(store, KEYS).poll()
    await store.aclose()
    assert polled.missing is not None
    assert (polled.missing.queues, {one.queue for one in polled.tiers}) == (["dd"], QUEUES - {"dd"})
    doctor = await anyio.to_thread.run_sync(lambda: run_tidings("doctor", TIDINGS_STORE_URL=cluster.url))
    assert f"nodes of the store do not answer ({name}): nothing is known of dd" in doctor.stdout, doctor
    await anyio.to_thread.run_sync(cluster.start_again, dead)
    await overview(server, lambda seen: queues_of(seen) == QUEUES and not seen["store"]["silent_nodes"])
    await page(
        server, lambda one: one.sum("tidings_store_silent_nodes") == 0 and one.has("tidings_dead_jobs", queue="dd")
    )


async def test_a_frozen_node_that_holds_kinds_and_workers_leaves_what_was_read_before_and_the_page_says_so(
    cluster: StoreCluster, server: ServerProcess
) -> None:
    await overview(server, lambda seen: queues_of(seen) == QUEUES and len(seen["workers"]) == 1)
    frozen = cluster.holder(KEYS.workers)
    name = f"127.0.0.1:{frozen.port}"
    frozen.freeze()
    try:
        seen = await overview(server, lambda seen: bool(seen["store"]["stale"]))
        assert (seen["store"]["stale"], seen["store"]["silent_nodes"]) == (["kinds", "workers"], [name])
        assert (len(seen["workers"]), len(seen["kinds"]), queues_of(seen)) == (1, 6, QUEUES - {"aa"})
        assert all(one["served"] for one in seen["queues"])
        now = await page(server, lambda one: one.sum("tidings_store_silent_nodes") == 1)
        assert now.sum("tidings_store_up") == 1
        assert not now.has("tidings_workers")
        shown = await status(cluster)
        assert shown.returncode == EXIT_STORE, shown
        assert "The kinds and the workers lie on a node that does not answer" in shown.stdout
        assert "No worker lives" not in shown.stdout
    finally:
        frozen.thaw()
    await anyio.to_thread.run_sync(cluster.wait_until_whole)
    await overview(server, lambda seen: queues_of(seen) == QUEUES and not seen["store"]["stale"])


def test_a_worker_that_leaves_complains_of_no_node(cluster: StoreCluster) -> None:
    with running_worker(cluster.url, KIND_FILE) as worker:
        until(lambda: worker.text().count('"node_open"') >= 3 and '"serving"' in worker.text(), worker.text)
        worker.process.terminate()
        assert worker.wait() == 0
        assert '"level": "warning"' not in worker.text(), worker.text()


async def test_lists_over_all_queues_tell_what_is_left_and_name_what_is_missing(
    cluster: StoreCluster, server: ServerProcess
) -> None:
    with running_worker(cluster.url, FAILING_KIND_FILE):
        await overview(server, lambda seen: len(seen["kinds"]) == 9)
        async with Client(server.url) as client:
            for kind in ("fail_on_first", "fail_on_second", "fail_on_third"):
                with pytest.raises(JobFailed):
                    await (await client.submit(kind)).result()
    later = SubmitOptions(delay=3_600)
    async with Client(server.url) as client:
        kinds = ("on_first", "on_second", "on_third")
        live = [(await client.submit(kind, {"n": 0}, options=later)).token for kind in kinds]
    started = await anyio.to_thread.run_sync(server.get, "/v1/admin/dead?limit=2")
    assert started[1]["missing_queues"] == []
    dead = cluster.holder(KEYS.root("dd"))
    told = {"silent_nodes": [f"127.0.0.1:{dead.port}"], "missing_queues": ["dd"]}
    dead.kill()
    await overview(server, lambda seen: bool(seen["store"]["silent_nodes"]))
    for path in LISTS:
        status, answer = await anyio.to_thread.run_sync(server.get, f"/v1/admin/{path}")
        assert status == 200, (path, answer)
        assert {name: answer[name] for name in told} == told, path
    _, letters = await anyio.to_thread.run_sync(server.get, "/v1/admin/dead")
    assert {one["queue"] for one in letters["letters"]} == {"aa", "bb"}
    _, page = await anyio.to_thread.run_sync(server.get, "/v1/admin/jobs?state=scheduled&limit=1")
    assert [one["token"] for one in page["jobs"]] == live[:1]
    for path in (
        "dead?queue=dd",
        "jobs?queue=dd",
        "jobs?queue=dd&state=failed",
        "webhooks?queue=dd",
        "webhooks?after=1",
    ):
        status, answer = await anyio.to_thread.run_sync(server.get, f"/v1/admin/{path}")
        assert (status, answer["code"]) == (503, "store_unavailable"), path
    for command in COMMANDS:
        shown = await anyio.to_thread.run_sync(lambda: run_tidings(*command, TIDINGS_STORE_URL=cluster.url))  # noqa: B023
        assert shown.returncode == 0, (command, shown)
        assert "Nothing is known at the moment of these queues: dd." in shown.stderr, (command, shown)
        if command == ("dead", "list"):
            assert "fail_on_first" in shown.stdout
            assert "fail_on_third" not in shown.stdout
    await anyio.to_thread.run_sync(cluster.start_again, dead)
    await overview(server, lambda seen: not seen["store"]["silent_nodes"])
    _, whole = await anyio.to_thread.run_sync(server.get, "/v1/admin/dead")
    assert {one["queue"] for one in whole["letters"]} == QUEUES
    assert (whole["silent_nodes"], whole["missing_queues"]) == ([], [])
    rest = f"/v1/admin/jobs?state=scheduled&cursor={quote(page['cursor'])}"
    _, page = await anyio.to_thread.run_sync(server.get, rest)
    assert [one["token"] for one in page["jobs"]] == live[1:]
