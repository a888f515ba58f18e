"""The page that Prometheus reads: its text form, or OpenMetrics where that is asked for, with exemplars.

Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client import exposition
from prometheus_client import samples as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as exemplary
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

from .instruments import BOUNDS, HistogramSeries
from .metric_family import HistogramFamily, MetricFamily, NumberFamily

_BOUND_TEXTS = (*map(floatToGoString, BOUNDS), "+Inf")
_process = ProcessCollector(registry=None)


class MetricsPage(NamedTuple):
    """A page, and what it is."""

    content_type: str
    body: bytes


def write_page(families: Iterable[MetricFamily], *, openmetrics: bool = False) -> MetricsPage:
    """Return the page of some families, and of this process: its CPU time, memory and open files.

    It is plain work on copies, some tens of milliseconds where there are hundreds of kinds: for a thread.

    Args:
        families: what there is to tell.
        openmetrics: whether it is written as OpenMetrics has it, with exemplars.

    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(families))
    registry.register(_process)
    if openmetrics:
        body: bytes = exemplary.generate_latest(registry)  # type: ignore[no-untyped-call]
        return MetricsPage(exemplary.CONTENT_TYPE_LATEST, body)
    return MetricsPage(exposition.CONTENT_TYPE_PLAIN_0_0_4, exposition.generate_latest(registry))


class _Collector(Collector):
    def __init__(self, families: Iterable[MetricFamily]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        for family in self._families:
            yield _durations(family) if isinstance(family, HistogramFamily) else _numbers(family)


def _durations(family: HistogramFamily) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, series in family.samples:
        metric.add_metric(labels, list(_buckets(series)), series.total)
    return metric


def _buckets(series: HistogramSeries) -> Iterator[tuple[str, float] | tuple[str, float, prometheus.Exemplar]]:
    below = 0
    for bucket, (bound, count) in enumerate(zip(_BOUND_TEXTS, series.counts, strict=True)):
        below += count
        found = series.exemplars.get(bucket)
        if found is None:
            yield bound, below
        else:
            yield bound, below, prometheus.Exemplar({"trace_id": found.trace}, found.seconds)


def _numbers(family: NumberFamily) -> Metric:
    kind = CounterMetricFamily if family.name.endswith("_total") else GaugeMetricFamily
    metric = kind(family.name, family.meaning, labels=family.labels)
    for labels, value in family.samples:
        metric.add_metric(labels, value)
    return metric
