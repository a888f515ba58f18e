"""A queue that an operator spreads over partitions while real servers and workers run its jobs."""

import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from partitions.spread_load import KINDS, assert_exact_while_spread, place, submit
from support.peer import peer
from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until_async
from tidings.metrics.metric_family import NumberFamily
from tidings.metrics.store_gauges import StoreGauges
from tidings.protocol.tokens import queue_of
from tidings.store.breaker_store import BreakerStore
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.placement.partition_names import partition_names
from tidings.store.placement.placement import place_of
from tidings.store.placement.placement_store import PlacementStore
from tidings.store.redis.store_client import open_store
from tidings.store.registry import Registry, WorkerRecord

QUICK = {"TIDINGS_HEARTBEAT_S": "0.3", "TIDINGS_LEASE_S": "5", "TIDINGS_SLOTS": "20"}


def failures(folder: Path) -> str:
    """Return the file into which the workers note the failures of which they are told."""
    FAILURES.append(folder / "failures")
    return str(FAILURES[-1])


FAILURES: list[Path] = []

system = system_fixture(
    KINDS, servers=2, workers=2, worker={**QUICK, "FAILURES": failures}, server={"TIDINGS_CHRONICLE": "1000"}
)


def partitions(system: System, *arguments: str) -> dict[str, Any]:
    done = run_tidings("partitions", "wide", *arguments, "--json", TIDINGS_STORE_URL=system.store.url)
    assert done.returncode == 0, done
    found: dict[str, Any] = msgspec.json.decode(done.stdout)
    return found


async def spread(system: System, count: int) -> None:
    shown = await anyio.to_thread.run_sync(partitions, system, str(count))
    assert shown["partitions"] == count


async def test_a_queue_is_one_partition_until_an_operator_spreads_it(system: System) -> None:
    shown = partitions(system)
    assert (shown["partitions"], {one["queue"] for one in shown["counts"]}) == (1, {"wide"})
    async with peer(system.server.socket_url) as client:
        tokens = [(await submit(client, "plain", path="/dev/null", n=n, key=f"first-{n}"))["token"] for n in range(5)]
    assert {place(token) for token in tokens} == {"wide"}
    store = open_store(system.store.url)
    try:
        assert not await store.exists(StoreKeys().placements)
    finally:
        await store.aclose()


async def test_keys_unique_values_and_limits_are_exact_while_a_queue_is_spread(system: System, tmp_path: Path) -> None:
    used = await assert_exact_while_spread(system.servers, tmp_path / "runs", partial(spread, system))
    assert used > set(partition_names("wide", 3)), "jobs went to all partitions"
    assert len(used) > 3, "and to more before"


async def test_a_key_from_before_is_known_wherever_it_would_go_now(system: System) -> None:
    await spread(system, 3)
    async with peer(system.servers[1].socket_url) as client:
        acks = [await submit(client, "plain", path="/dev/null", n=n, key=f"first-{n}") for n in range(5)]
    assert [(ack["duplicate"], place(ack["token"])) for ack in acks] == [(True, "wide")] * 5


async def test_lists_cancels_watches_and_pauses_reach_every_partition(system: System, tmp_path: Path) -> None:
    await spread(system, 8)
    server, other = system.servers
    async with peer(server.socket_url) as client, peer(other.socket_url) as watcher:
        there = tmp_path / "there"
        tokens = {(await submit(client, "until_there", path=str(there), watch=False))["token"] for _ in range(40)}
        used = {place(token) for token in tokens}
        assert len(used) > 3
        for token in tokens:
            await watcher.send("watch", token=token)
        found = server.get("/v1/admin/jobs?kind=until_there&limit=200")[1]["jobs"]
        assert {one["token"] for one in found} == tokens
        some = next(iter(used - {"wide"}))
        for queue, wanted in (("wide", used), (some, {some})):
            found = server.get(f"/v1/admin/jobs?kind=until_there&queue={queue}&limit=200")[1]["jobs"]
            assert {place(one["token"]) for one in found} == wanted
        cancelled = next(token for token in tokens if place(token) == some)
        answer, end = await watcher.cancel(cancelled)
        assert end["event"] == "cancelled", answer
        there.touch()
        ends = await watcher.ends(*tokens - {cancelled})
        assert Counter(ends.values()) == {"succeeded": 39}
        ended = server.get("/v1/admin/jobs?state=succeeded&kind=until_there&queue=wide&limit=200")[1]["jobs"]
        assert {one["token"] for one in ended} == tokens - {cancelled}

    env = {"TIDINGS_STORE_URL": system.store.url}
    assert "is paused" in run_tidings("pause", "wide", **env).stdout
    lines = server.get("/v1/admin/overview")[1]["queues"]
    assert {one["queue"]: one["paused"] for one in lines} == dict.fromkeys(partition_names("wide", 8), True)
    async with peer(server.socket_url) as client:
        waiting = [(await submit(client, "plain", path="/dev/null", n=n))["token"] for n in range(20)]
        # In the first one what recurs waits too.
        further = Counter(place(token) for token in waiting if place(token) != "wide")
        counted = {one["queue"]: one["waiting"] for one in partitions(system)["counts"]}
        for found in (counted, await _backlog(system)):
            assert found.pop("wide") >= 20 - further.total()
            assert found == {name: further[name] for name in partition_names("wide", 8)[1:]}
        run_tidings("resume", "wide", **env)
        assert set((await client.ends(*waiting)).values()) == {"succeeded"}


async def _backlog(system: System) -> dict[str, float]:
    """Return the metric of jobs that wait, by queue."""
    store, keys = open_store(system.store.url), StoreKeys()
    try:
        found = await Registry(store, keys).read()
        breakers = BreakerStore(store, keys)
        gauges = StoreGauges(store, keys, breakers, found.records.values, lambda: found.placements)
        (backlog,) = [one for one in await gauges.read() if one.name == "tidings_backlog_jobs"]
    finally:
        await store.aclose()
    assert isinstance(backlog, NumberFamily)
    return {labels[0]: value for labels, value in backlog.samples}


async def test_dead_letters_of_all_partitions_are_found_and_replayed_by_the_queue(system: System) -> None:
    await spread(system, 8)
    async with peer(system.server.socket_url) as client:
        tokens = [(await submit(client, "fails", n=n))["token"] for n in range(20)]
        assert set((await client.ends(*tokens)).values()) == {"failed"}
    letters = system.server.get("/v1/admin/dead?queue=wide&limit=100")[1]["letters"]
    assert {one["token"] for one in letters} == set(tokens)
    await until_async(
        lambda: FAILURES[-1].exists() and set(FAILURES[-1].read_text().split()) == set(tokens), seconds=20
    )  # the handlers of events get those of every partition
    env = {"TIDINGS_STORE_URL": system.store.url}
    done = run_tidings("dead", "drop", "--queue", "wide", "--kind", "fails", "--yes", **env)
    assert "20" in done.stdout + done.stderr, done


async def test_children_are_spread_and_what_recurs_has_one_home(system: System, tmp_path: Path) -> None:
    await spread(system, 8)
    used: set[str] = set()
    async with peer(system.server.socket_url) as client:
        with anyio.fail_after(scaled(20)):
            for run in range(1_000):
                note = tmp_path / f"note-{run}"
                events = await client.run("parent", {"path": str(note), "children": 24})
                assert events[-1]["event"] == "succeeded", events[-1]
                assert len(note.read_text().splitlines()) == 24
                jobs = system.server.get("/v1/admin/jobs?kind=plain&state=succeeded&limit=24")[1]["jobs"]
                used = {place(one["token"]) for one in jobs}
                if len(used) > 3:
                    break  # the workers have the placement, which comes with a heartbeat
    assert len(used) > 3
    ticks = await until_async(
        lambda: system.server.get("/v1/admin/jobs?kind=ticks&state=succeeded")[1]["jobs"], seconds=20
    )
    assert {place(one["token"]) for one in ticks} == {"wide"}
    store = open_store(system.store.url)
    try:
        recurring = await store.keys("*recurring")
        assert recurring == [StoreKeys().recurring("wide").encode()]
    finally:
        await store.aclose()


async def test_a_worker_of_an_earlier_release_stands_in_the_way(system: System) -> None:
    before = partitions(system)
    old = WorkerRecord(worker="old", host="h", pid=1, version="0.0.9", kinds=["plain"], queues=["wide"], slots=1)
    store = open_store(system.store.url)
    registry = Registry(store, StoreKeys())
    try:
        await registry.heartbeat(old, 60)
        refused = run_tidings("partitions", "wide", "16", TIDINGS_STORE_URL=system.store.url)
        assert refused.returncode == 1
        assert "old (0.0.9)" in refused.stderr, refused
        assert partitions(system)["partitions"] == before["partitions"]
    finally:
        await registry.deregister("old")
        await store.aclose()


@pytest.mark.parametrize(("arguments", "said"), [(("nowhere", "2"), "there is no queue"), (("wide", "65"), "64")])
def test_what_cannot_be_is_refused(system: System, arguments: tuple[str, ...], said: str) -> None:
    refused = run_tidings("partitions", *arguments, TIDINGS_STORE_URL=system.store.url)
    assert refused.returncode != 0
    assert said in refused.stderr


def test_each_worker_says_which_partitions_it_serves(system: System) -> None:
    workers = msgspec.json.decode(run_tidings("status", "--json", TIDINGS_STORE_URL=system.store.url).stdout)["workers"]
    for worker in workers:
        assert worker["queues"] == ["wide"]
        assert {queue_of(one) for one in worker["partitions"]} == {"wide"}


async def test_a_server_that_lags_follows_and_its_client_sees_nothing_of_it(system: System) -> None:
    await spread(system, 8)
    store, keys = open_store(system.store.url), StoreKeys()
    try:
        before = (await PlacementStore(store, keys).read()).of_queues["wide"]
        after = before.after(3, before.home, int(time.time() * 1000))
        key, here, there = next(
            (key, here, there)
            for key in map("late-{}".format, range(100))
            for suffix in (StoreKeys.dedup_suffix("", "plain", key),)
            for here, there in ((place_of("wide", before, "plain", suffix), place_of("wide", after, "plain", suffix)),)
            if here != there != "wide"
        )
        # Another server knows the new placement already. No announcement has reached this one.
        await store.execute_command("HSET", keys.placements, "wide", msgspec.json.encode(after))
        claimed = NewJob("i", "plain", "standard", "", key=StoreKeys.dedup_suffix("", "plain", key), epoch=after.epoch)
        async with JobStore(store, keys, "other") as jobs:
            assert (await jobs.claim(here, claimed)).answer == "claimed"
    finally:
        await store.aclose()
    async with peer(system.server.socket_url) as client:
        ack = await submit(client, "plain", path="/dev/null", n=1, key=key)
        assert (ack["duplicate"], place(ack["token"])) == (False, there)
        events = await client.until(ack["token"])
        assert [one["seq"] for one in events] == list(range(2, 2 + len(events))), "its events came to this client"
        assert events[-1]["event"] == "succeeded"
    assert partitions(system)["partitions"] == 3
