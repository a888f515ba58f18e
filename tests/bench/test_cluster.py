"""The measurement of a cluster: a node for each queue, and how its cost is compared."""

from typing import Any

import pytest
from bench.cluster.__main__ import Cost, report
from bench.cluster.nodes import slot_ranges
from bench.harness.result import Round
from hypothesis import given
from hypothesis import strategies as st

from tidings.store.redis.cluster.slot_map import SLOTS


@given(st.sets(st.integers(0, SLOTS - 1), min_size=1, max_size=20))
def test_each_queue_has_a_node_of_its_own_and_all_slots_have_one(slots: set[int]) -> None:
    ranges = slot_ranges(list(slots))
    assert [slot for first, last in ranges for slot in range(first, last + 1)] == list(range(SLOTS))
    for slot, (first, last) in zip(sorted(slots), ranges, strict=True):
        assert first <= slot <= last


def cost(**us: float) -> Any:
    costs = {name.replace("_", " "): spent for name, spent in us.items()}
    figures = {"progress_per_job": 3.0, "early": 0, "errors": 0, "ack_ms": {}, "reply_ms": {}, "more": {}}
    rest: Any = {"busy": {}, "others_busy": 0.0, "rss_mb": {}, **figures}
    return Round(jobs_per_s=100.0, cpu_us_per_job={"worker": 1.0, "server": 1.0, **costs}, **rest)


@pytest.mark.parametrize(("nodes", "code"), [((36.0, 36.0, 36.0), 0), ((38.0, 38.0, 38.0), 1), ((50.0, 25.0, 25.0), 1)])
def test_a_cluster_may_cost_a_tenth_more_and_its_busiest_node_two_fifths(
    nodes: tuple[float, float, float], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = Cost([cost(store=100.0)])
    cluster = Cost([cost(store_0=nodes[0], store_1=nodes[1], store_2=nodes[2], replica_0=50.0)])
    assert (cluster.together, cluster.replicas, cluster.busiest) == (sum(nodes), 50.0, max(nodes))
    assert report(alone, cluster) == code
    assert f"nodes together: {sum(nodes) / 100:.2f} of a store alone" in capsys.readouterr().out
