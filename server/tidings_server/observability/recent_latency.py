"""Percentiles of the observations of a histogram in the last minute."""

from collections import defaultdict, deque

from tidings.metrics.instruments import BOUNDS, Histogram
from tidings.metrics.percentiles import histogram_percentiles
from tidings.protocol.frames.overview import Percentiles

WINDOW_MS = 60_000

Counts = dict[str, list[int]]


class RecentLatency:
    """Remembers the counts of a histogram at each of the last looks."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._looks: deque[tuple[int, Counts]] = deque()

    def look(self, now: int) -> dict[str, Percentiles]:
        """Return the percentiles by the histogram's first label, and of all under an empty one.

        They cover the observations since the earliest look of the last minute, so the first look finds none.

        Args:
            now: ms, never going back.

        """
        counts: Counts = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        for labels, series in self._histogram:
            for name in ("", labels[0]):
                counts[name] = [one + more for one, more in zip(counts[name], series.counts, strict=True)]
        self._looks.append((now, counts))
        while self._looks[0][0] < now - WINDOW_MS:
            self._looks.popleft()
        before = self._looks[0][1]
        grown = {
            name: [late - early for early, late in zip(before[name], found, strict=True)]
            for name, found in list(counts.items())
        }
        return {name: histogram_percentiles(found) for name, found in grown.items() if any(found)}
