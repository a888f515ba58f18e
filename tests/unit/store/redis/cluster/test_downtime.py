"""Whose silence counts for the leases of a queue."""

from tidings.store.availability.store_health import StoreHealth, log_nothing
from tidings.store.redis.cluster.cluster_store import ClusterStore
from tidings.store.redis.cluster.node_health import health_of
from tidings.store.redis.cluster.slot_map import SLOTS, slot_of
from tidings.store.redis.store_client import open_store

A, B = ("a", 1), ("b", 2)


async def test_the_silence_of_a_node_counts_for_its_keys_however_well_others_answer() -> None:
    now = 0.0
    health = StoreHealth(max_downtime_s=1, tell=log_nothing, clock=lambda: now)
    store = open_store("redis+cluster://127.0.0.1:1", health=health)
    assert isinstance(store, ClusterStore)
    silent = slot_of("{silent}")
    store.nodes.slots.take([A if slot == silent else B for slot in range(SLOTS)])
    for node in (A, B):
        health_of(health, node).answered(())
    now = 5.0
    health_of(health, B).answered(())
    assert health.downtime_of("t:{silent}:").lasts(now)
    assert not health.downtime_of("t:{other}:").lasts(now)
    await store.aclose()
