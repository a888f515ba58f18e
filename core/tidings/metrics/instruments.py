"""What is counted while the work is done: an index into a list and two additions for each observation.

The client library of Prometheus would take a lock and a dictionary look-up for each; here it is only asked to write the
page (`page.py`). One event loop counts and reads, so nothing is locked.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

BOUNDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
    600.0, 1800.0, 3600.0,
)  # fmt: skip
"""Upper bounds of the buckets of every histogram, s: from a quiet machine's ack to a job that takes an hour."""

MAX_NAMES = 200
"""LabelNames of one sort, such as kinds, that get a line of their own."""

OTHER = "other"
"""The name of all that came after those."""


class Exemplar(NamedTuple):
    """One observation by which others can be found."""

    trace: str
    """The id of its trace, 32 hexadecimal digits."""
    seconds: float


class HistogramSeries:
    """The observations under one set of labels."""

    __slots__ = ("counts", "exemplars", "total")

    def __init__(self) -> None:
        self.counts: list[int] = [0] * (len(BOUNDS) + 1)
        """How many fell into each bucket; the last: above all bounds."""
        self.total: float = 0.0
        """Their sum, s."""
        self.exemplars: dict[int, Exemplar] = {}
        """Bucket → the latest in it that has a trace."""

    def observe(self, seconds: float, trace: str = "") -> None:
        """Count one, of a duration in s; trace: the id of its trace, if it has one."""
        bucket = bisect_left(BOUNDS, seconds)
        self.counts[bucket] += 1
        self.total += seconds
        if trace:
            self.exemplars[bucket] = Exemplar(trace, seconds)

    def observe_many(self, seconds: float, count: int) -> None:
        """Count some that took equally long."""
        self.counts[bisect_left(BOUNDS, seconds)] += count
        self.total += seconds * count

    def copy(self) -> "HistogramSeries":
        """Return them as they are now."""
        same = HistogramSeries()
        same.counts, same.total, same.exemplars = self.counts.copy(), self.total, self.exemplars.copy()
        return same


class LabelNames:
    """Names that may be labels: the first few that come; so what users write never grows the page without end."""

    def __init__(self, most: int = MAX_NAMES) -> None:
        self._most = most
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        """Return the label for a name: itself, or `other`."""
        if name in self._known:
            return name
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(name)
        return name

    def has_room(self, names: Iterable[str]) -> bool:
        """Return whether all of some names can have a line of their own."""
        return len(self._known.union(names)) <= self._most


class Histogram:
    """The durations of one sort of thing, by labels."""

    def __init__(self, name: str, meaning: str, labels: tuple[str, ...], names: LabelNames) -> None:
        """Begin.

        Args:
            name: with its unit, `…_seconds`.
            meaning: what is measured, from when to when.
            labels: their names; the first is one of `names`.
            names: what the first label may be.

        """
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._names = names
        self._series: dict[tuple[str, ...], HistogramSeries] = {}

    def begin(self, labels: Iterable[tuple[str, ...]]) -> None:
        """Have some labels at 0 before anything is observed: `rate` sees the first observation only after a 0.

        Where there are more names than may have a line of their own, those that are observed first get one.
        """
        found = list(labels)
        if self._names.has_room(first for first, *_ in found):
            for one in found:
                self.of(*one)

    def of(self, *labels: str) -> HistogramSeries:
        """Return the observations under some labels."""
        found = self._series.get(labels)
        if found is None:
            found = self._series.setdefault((self._names.label(labels[0]), *labels[1:]), HistogramSeries())
        return found

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], HistogramSeries]]:
        return iter(self._series.items())


class Counter:
    """How often something has happened, by labels."""

    def __init__(self, name: str, meaning: str, labels: tuple[str, ...] = (), names: LabelNames | None = None) -> None:
        """Begin.

        Args:
            name: `…_total`.
            meaning: what is counted.
            labels: their names; the first is one of `names`, if those are given.
            names: what the first label may be.

        """
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._names = names
        self._counts: dict[tuple[str, ...], int] = {} if labels else {(): 0}

    def begin(self, labels: Iterable[tuple[str, ...]]) -> None:
        """Have some labels at 0 before anything is counted: `increase` sees the first count only after a 0.

        Where there are more names than may have a line of their own, those that are counted first get one.
        """
        found = list(labels)
        if self._names is None or self._names.has_room(first for first, *_ in found):
            for one in found:
                self.add(*one, count=0)

    def add(self, *labels: str, count: int = 1) -> None:
        """Count one more, or some."""
        if labels not in self._counts and self._names is not None:
            labels = (self._names.label(labels[0]), *labels[1:])
        self._counts[labels] = self._counts.get(labels, 0) + count

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], int]]:
        return iter(self._counts.items())
