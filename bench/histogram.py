"""A histogram of latencies: buckets that grow by a fixed factor, so that every percentile is right to 1 %.

The packages of HdrHistogram for Python have had no release for years; this is the part of it we need.
"""

import math
from collections import Counter
from collections.abc import Iterable

GROWTH = 1.02
"""Each bucket ends this factor above its begin; its geometric middle is at most 1 % off."""

LEAST_S = 1e-6


class Histogram:
    """Counts of durations, in seconds."""

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        for value in values:
            self.add(value)

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._buckets[math.floor(math.log(max(seconds, LEAST_S) / LEAST_S, GROWTH))] += 1
        self.count += 1

    def percentile(self, share: float) -> float:
        """Return the duration that a share (0 to 1) of all stays under, in seconds; NaN if there are none."""
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return LEAST_S * float(GROWTH ** (bucket + 0.5))
        raise AssertionError("the counts do not add up")

    def to_ms(self) -> dict[str, float]:
        """Return the usual percentiles in ms."""
        shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
        return {name: round(self.percentile(share) * 1000, 3) for name, share in shares.items()}
