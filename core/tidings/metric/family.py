"""What a page of metrics is made of: families with their samples, copied at one moment."""

from collections.abc import Iterable
from typing import NamedTuple

import tidings

from .meter import Counter, Histogram, Series

Labels = tuple[str, ...]


class Durations(NamedTuple):
    """A histogram at one moment."""

    name: str
    meaning: str
    labels: Labels
    samples: list[tuple[Labels, Series]]


class Numbers(NamedTuple):
    """A counter (`…_total`) or a gauge at one moment."""

    name: str
    meaning: str
    labels: Labels
    samples: list[tuple[Labels, float]]


Family = Durations | Numbers


def durations(histogram: Histogram) -> Durations:
    """Return a histogram as it is now."""
    samples = [(labels, series.copy()) for labels, series in histogram]
    return Durations(histogram.name, histogram.meaning, histogram.labels, samples)


def counts(counter: Counter) -> Numbers:
    """Return a counter as it is now."""
    return Numbers(counter.name, counter.meaning, counter.labels, [(labels, float(n)) for labels, n in counter])


def counts_of(histogram: Histogram, counter: Counter) -> Numbers:
    """Return how many a histogram has observed, beside what a counter of the same labels began with.

    What is counted once need not be counted twice: the counter itself counts nothing.
    """
    samples = {labels: float(count) for labels, count in counter}
    samples.update((labels, float(sum(series.counts))) for labels, series in histogram)
    return Numbers(counter.name, counter.meaning, counter.labels, list(samples.items()))


def gauge(name: str, meaning: str, value: float) -> Numbers:
    """Return a single number."""
    return Numbers(name, meaning, (), [((), value)])


def gauges(name: str, meaning: str, labels: Labels, samples: Iterable[tuple[Labels, float]]) -> Numbers:
    """Return a number for each set of labels."""
    return Numbers(name, meaning, labels, list(samples))


def build_info() -> Numbers:
    """Return which release this is."""
    return gauges(
        "tidings_build_info", "The release of tidings; always 1.", ("version",), [((tidings.__version__,), 1)]
    )


def up(*, answers: bool) -> Numbers:
    """Return whether the store answers."""
    return gauge("tidings_store_up", "Whether the store answers this process.", float(answers))
