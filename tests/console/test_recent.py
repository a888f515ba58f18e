"""The latencies of acks and notices in the overview: those of the last minute, read from the histograms."""

import anyio
import pytest

from support.credential import bearer, token
from support.peer import peer
from support.system import System
from support.timeouts import scaled
from tidings.metrics.instruments import Histogram, LabelNames
from tidings.metrics.percentiles import histogram_percentiles
from tidings_server.observability.recent_latency import WINDOW_MS, RecentLatency

from .test_overview import observer, overview


def test_only_what_came_in_the_last_minute_counts_of_each_kind_and_of_all() -> None:
    histogram = Histogram("x_seconds", "", ("kind", "tier"), LabelNames())
    recent = RecentLatency(histogram)
    histogram.of("a", "fast").observe(100.0)
    assert recent.look(0) == {}
    for _ in range(100):
        histogram.of("a", "fast").observe(0.0007)
    histogram.of("b", "fast").observe(0.03)
    told = recent.look(1000)
    assert 0.0005 < told["a"].p50 <= told["a"].p99 <= 0.001
    assert 0.025 < told["b"].p50 <= 0.05
    assert told[""].p50 <= 0.001
    assert set(recent.look(1000 + WINDOW_MS)) == set()


def test_a_bucket_is_taken_as_evenly_filled_and_the_last_by_its_lower_bound() -> None:
    assert histogram_percentiles([100, *([0] * 21)]).p50 == pytest.approx(0.00025)
    assert histogram_percentiles([0] * 21 + [1]).p50 == 3600.0


async def test_the_overview_tells_them(system: System) -> None:
    async with observer(system) as root, peer(system.server.socket_url, additional_headers=bearer(token("al"))) as al:
        await root.ask("observe")
        await overview(root)
        ack = await al.submit("noop")
        assert (await al.ends(ack["token"])) == {ack["token"]: "succeeded"}
        with anyio.fail_after(scaled(30)):
            while True:
                lines = {one["kind"]: one for one in (await overview(root))["latency"]}
                if "" in lines and lines[""].get("ack") and lines[""].get("notify"):
                    break
        assert 0 < lines["noop"]["ack"]["p50"] <= lines["noop"]["ack"]["p99"]
        assert lines["noop"].get("notify") is None
