"""Percentiles of values that are all known (nearest rank) and of a histogram's buckets (interpolated). Pure."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from tidings.protocol.frames.overview import Percentiles

from .instruments import BOUNDS


def nearest_rank(share: float, count: int) -> int:
    """Return the rank, from 1, of the smallest of `count` values that at least a share in (0, 1] do not exceed.

    Source: https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
    """
    return max(math.ceil(share * count), 1)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value of the nearest rank; there must be a value."""
    return ordered[nearest_rank(share, len(ordered)) - 1]


def nearest_rank_percentiles(values: Iterable[float | None]) -> Percentiles | None:
    """Return the percentiles of the values that are not None, each a value that was observed; None: there are none."""
    ordered = sorted(value for value in values if value is not None)
    return Percentiles(*(quantile(ordered, share) for share in (0.5, 0.95, 0.99))) if ordered else None


def histogram_percentiles(counts: Sequence[int]) -> Percentiles:
    """Return the percentiles of observations in buckets, as if those of a bucket were spread evenly over it.

    Args:
        counts: the observations in each bucket of `BOUNDS`, and beyond the last; at least one.

    Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile

    """
    sums = list(accumulate(counts))

    def at(share: float) -> float:
        rank = share * sums[-1]
        bucket = bisect_left(sums, rank)
        if bucket == len(BOUNDS):
            return BOUNDS[-1]
        low, below = (BOUNDS[bucket - 1], sums[bucket - 1]) if bucket else (0.0, 0)
        return round(low + (BOUNDS[bucket] - low) * (rank - below) / counts[bucket], 6)

    return Percentiles(at(0.5), at(0.95), at(0.99))
