"""Which node is asked what any node may answer, and when a cluster counts as lost."""

from typing import Any, cast

from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.availability.store_health import StoreHealth, log_nothing
from tidings.store.redis.cluster.cluster_nodes import ClusterNodes
from tidings.store.redis.cluster.node_health import health_of
from tidings.store.redis.cluster.slot_map import SLOTS
from tidings.store.sentinel.address_vote import Address

FIRST, SECOND, THIRD = NODES = tuple(("127.0.0.1", port) for port in (7001, 7002, 7003))


class Clock:
    """Moves on by itself, so that no two calls come at one time."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def cluster() -> tuple[ClusterNodes, StoreHealth]:
    """Return a cluster of three nodes, and the health of the process."""
    health = StoreHealth(tell=log_nothing, clock=Clock())
    nodes = ClusterNodes([FIRST], lambda address: cast("Any", address), health)
    third = SLOTS // 3
    nodes.slots.take([*[FIRST] * third, *[SECOND] * third, *[THIRD] * (SLOTS - 2 * third)])
    return nodes, health


def asked(nodes: ClusterNodes) -> Address:
    return cast("Address", nodes.holder(None))


def test_a_node_that_was_heard_lately_is_asked_before_one_that_has_been_silent() -> None:
    nodes, health = cluster()
    for address in (SECOND, FIRST, THIRD):
        health_of(health, address).answered(())
    assert asked(nodes) == THIRD
    health_of(health, SECOND).answered(())
    assert asked(nodes) == SECOND


def test_a_node_whose_last_call_failed_is_asked_last() -> None:
    nodes, health = cluster()
    for address in NODES:
        health_of(health, address).answered(())
    health_of(health, THIRD).failed((), StoreUnavailableError("refused"))
    assert asked(nodes) == SECOND
    health_of(health, SECOND).failed((), StoreUnavailableError("refused"))
    assert asked(nodes) == FIRST


def lost(away: int, gone: int = 0) -> bool:
    """Return whether a cluster is lost of which so many nodes do not answer, and so many of the others hold no keys."""
    _, health = cluster()
    for number, address in enumerate(NODES):
        health_of(health, address).answered(())
        if number < away:
            health_of(health, address).failed((), StoreUnavailableError("refused"))
        health_of(health, address).counts = number < len(NODES) - gone
    return health.lost


def test_a_cluster_is_lost_when_no_node_that_holds_keys_answers() -> None:
    assert [lost(away) for away in range(4)] == [False, False, False, True]
    assert lost(2, gone=1)
