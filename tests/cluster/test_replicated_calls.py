"""Calls whose answers wait for replicas, in a cluster: each waits for those of its own node, wherever its slot goes."""

import asyncio
from collections.abc import Iterator

import anyio
import pytest

from support.stores.cluster import StoreCluster, running_cluster
from support.timeouts import scaled
from tidings.protocol.tokens import new_token
from tidings.settings.durability import Replication
from tidings.store.answers import SubmitAnswer
from tidings.store.availability.store_errors import StoreError, StoreUnconfirmedError
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.slot_map import slot_of
from tidings.store.redis.store_client import Store, open_store

KEYS = StoreKeys()


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster(2) as one:
        yield one


def opened(cluster: StoreCluster, within_s: float = 0.0) -> Store:
    return open_store(cluster.url, replication=Replication(1, within_s or scaled(5)))


def job(key: str = "") -> NewJob:
    return NewJob(new_token("p").id, "k", "standard", "[]", key=key, fingerprint="f" if key else "")


def place(cluster: StoreCluster, queue: str) -> int:
    """Return which primary holds a queue."""
    return cluster.primaries.index(cluster.holder(KEYS.root(queue)))


async def test_a_replica_that_stands_still_costs_its_own_nodes_queues_the_confirmation_and_no_other(
    cluster: StoreCluster,
) -> None:
    queues = {place(cluster, queue): queue for queue in ("aa", "bb", "cc", "dd")}
    store = opened(cluster, 0.3)
    async with JobStore(store, KEYS, "g") as jobs:
        with cluster.stopped(cluster.replicas[0]):
            refused, made = await asyncio.gather(
                jobs.submit(queues[0], job()), jobs.submit(queues[1], job()), return_exceptions=True
            )
    assert isinstance(refused, StoreUnconfirmedError)
    assert getattr(made, "answer", made) is SubmitAnswer.NEW
    await store.aclose()


async def test_a_call_waits_for_the_replicas_of_the_node_to_which_its_slot_moves(cluster: StoreCluster) -> None:
    slot, old = slot_of(KEYS.root("half")), cluster.holder(KEYS.root("half"))
    new = next(one for one in cluster.primaries if one is not old)
    store = opened(cluster)
    async with JobStore(store, KEYS, "g") as jobs:
        before = await jobs.submit("half", job("before"))
        cluster.begin_move(slot, old, new)
        submitting = jobs.submit("half", job())
        await anyio.sleep(0.3)
        assert not submitting.done()
        assert cluster.move_slot(slot, old, new), "nothing that the call left at the new node is in the way"
        moving = await submitting
        after = await jobs.submit("half", job())
        again = await jobs.submit("half", job("before"))
    assert (again.answer, again.id) == (SubmitAnswer.DUPLICATE, before.id)
    for made in (before, moving, after):
        assert cluster.ask(new, "EXISTS", KEYS.job("half", made.id)) == 1
    await store.aclose()


async def test_the_death_of_a_primary_loses_nothing_that_its_replica_has_confirmed(cluster: StoreCluster) -> None:
    store = opened(cluster, 0.5)
    dead = cluster.holder(KEYS.root("kept"))
    acked: list[str] = []
    async with JobStore(store, KEYS, "g") as jobs:
        with anyio.fail_after(scaled(60)):
            while len(acked) < 100:
                if len(acked) == 60 and dead.process is not None and dead.process.poll() is None:
                    dead.kill()  # two primaries hold no election: an operator decides
                    cluster.ask(cluster.replicas[cluster.primaries.index(dead)], "CLUSTER", "FAILOVER", "TAKEOVER")
                try:
                    made = await jobs.submit("kept", job())
                except StoreUnconfirmedError:
                    if len(acked) >= 60:
                        break  # the replica that took its place has none
                except StoreError:
                    await anyio.sleep(0.02)
                else:
                    acked.append(made.id)
    keys = [KEYS.job("kept", one) for one in acked]
    assert len(keys) >= 60
    assert [one for one in keys if not await store.exists(one)] == []
    await store.aclose()
