"""What a page of metrics is made of: families with their samples, copied at one moment."""

from collections.abc import Iterable
from typing import NamedTuple

import tidings

from .instruments import Counter, Histogram, HistogramSeries

Labels = tuple[str, ...]


class HistogramFamily(NamedTuple):
    """A histogram at one moment."""

    name: str
    meaning: str
    labels: Labels
    samples: list[tuple[Labels, HistogramSeries]]


class NumberFamily(NamedTuple):
    """A counter (`…_total`) or a gauge at one moment."""

    name: str
    meaning: str
    labels: Labels
    samples: list[tuple[Labels, float]]


MetricFamily = HistogramFamily | NumberFamily


def histogram_family(histogram: Histogram) -> HistogramFamily:
    """Return a histogram as it is now."""
    samples = [(labels, series.copy()) for labels, series in histogram]
    return HistogramFamily(histogram.name, histogram.meaning, histogram.labels, samples)


def counter_family(counter: Counter) -> NumberFamily:
    """Return a counter as it is now."""
    return NumberFamily(counter.name, counter.meaning, counter.labels, [(labels, float(n)) for labels, n in counter])


def observation_count_family(histogram: Histogram, counter: Counter) -> NumberFamily:
    """Return how many a histogram has observed, beside what a counter of the same labels began with.

    What is counted once need not be counted twice: the counter itself counts nothing.
    """
    samples = {labels: float(count) for labels, count in counter}
    samples.update((labels, float(sum(series.counts))) for labels, series in histogram)
    return NumberFamily(counter.name, counter.meaning, counter.labels, list(samples.items()))


def gauge(name: str, meaning: str, value: float) -> NumberFamily:
    """Return a single number."""
    return NumberFamily(name, meaning, (), [((), value)])


def gauges(name: str, meaning: str, labels: Labels, samples: Iterable[tuple[Labels, float]]) -> NumberFamily:
    """Return a number for each set of labels."""
    return NumberFamily(name, meaning, labels, list(samples))


def build_info() -> NumberFamily:
    """Return which release this is."""
    return gauges(
        "tidings_build_info", "The release of tidings; always 1.", ("version",), [((tidings.__version__,), 1)]
    )


def store_up(*, answers: bool) -> NumberFamily:
    """Return whether the store answers."""
    return gauge("tidings_store_up", "Whether the store answers this process.", float(answers))
