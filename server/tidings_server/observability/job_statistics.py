"""Latencies, rates and series of the jobs that have ended. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tidings.metrics.percentiles import nearest_rank_percentiles
from tidings.protocol.frames.admin_messages import Series, SeriesPoint
from tidings.protocol.frames.overview import LatencyLine
from tidings.store.admin.finished_jobs import FinishedJob

EDGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""The bounds of the heat map's cells, s."""

FAILED = frozenset({"failed", "expired"})
"""States that count as failures. A cancelled job does not: its client asked for that end."""

MAX_POINTS = 120
"""Intervals of a series at the most."""

STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 1_200)
"""The lengths that an interval may have."""


def latency(jobs: Sequence[FinishedJob]) -> list[LatencyLine]:
    """Return the times of jobs: all kinds together, then each kind."""
    if not jobs:
        return []
    kinds: defaultdict[str, list[FinishedJob]] = defaultdict(list)
    for job in jobs:
        kinds[job.kind].append(job)
    return [_line("", jobs), *(_line(kind, kinds[kind]) for kind in sorted(kinds))]


def _line(kind: str, jobs: Sequence[FinishedJob]) -> LatencyLine:
    return LatencyLine(
        kind=kind,
        count=len(jobs),
        failed=sum(job.state in FAILED for job in jobs),
        wait=nearest_rank_percentiles(job.wait for job in jobs),
        run=nearest_rank_percentiles(job.run for job in jobs),
        total=nearest_rank_percentiles(job.total for job in jobs),
    )


def step_of(minutes: int) -> int:
    """Return the shortest interval, s, by which a series of some minutes has at most `MAX_POINTS`."""
    return next((step for step in STEPS_S if minutes * 60 <= step * MAX_POINTS), STEPS_S[-1])


def series(jobs: Iterable[FinishedJob], now_ms: int, minutes: int) -> Series:
    """Return the series of the jobs that ended in the last minutes, in intervals that begin at round times."""
    step_ms = step_of(minutes) * 1000
    last = now_ms // step_ms
    first = last - minutes * 60_000 // step_ms + 1
    steps: list[list[FinishedJob]] = [[] for _ in range(first, last + 1)]
    for job in jobs:
        step = job.finished // step_ms - first
        if 0 <= step < len(steps):
            steps[step].append(job)
    points = [_point((first + number) * step_ms, some) for number, some in enumerate(steps)]
    return Series(step=step_ms / 1000, points=points, edges=list(EDGES))


def _point(at: int, jobs: list[FinishedJob]) -> SeriesPoint:
    cells = [0] * (len(EDGES) + 1)
    for job in jobs:
        cells[bisect_right(EDGES, job.total)] += 1
    return SeriesPoint(
        at=at,
        count=len(jobs),
        failed=sum(job.state in FAILED for job in jobs),
        wait=nearest_rank_percentiles(job.wait for job in jobs),
        run=nearest_rank_percentiles(job.run for job in jobs),
        total=nearest_rank_percentiles(job.total for job in jobs),
        cells=cells,
    )
