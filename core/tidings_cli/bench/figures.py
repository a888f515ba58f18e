"""The figures of a measurement, from its samples. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from tidings.metrics.percentiles import quantile

from .load_generator import LoadPlan, LoadResult

SATURATED_WAIT_SHARE = 0.1
"""Share of the run time that a job must wait for a slot, on average, for the workers to count as saturated."""

BACKLOG_GROWTH_SHARE = 0.05
"""Share of the jobs offered by which the unfinished must have become more for the backlog to count as growing."""

BACKLOG_NOISE_JOBS = 5
"""Unfinished jobs more that are always noise."""


class DurationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How a duration is spread, s."""

    mean: float
    p50: float
    p95: float
    p99: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one measurement found."""

    kind: str
    seconds: float
    jobs: int
    """That began in the time measured."""
    in_flight: int | None
    """Jobs in flight all the time; None: they were offered at a rate."""
    offered: float | None
    """Jobs a second that were offered; None: so many were in flight."""
    workers: int
    """Workers that served the kind, as the user of `tidings bench` said."""
    throughput: float
    """Jobs a second that succeeded."""
    success: float | None
    """Share of the jobs that succeeded, refused submissions among the others; None: there were none."""
    failures: dict[str, int]
    """How often each other outcome was: codes of problems, `cancelled`, `expired`."""
    ack: DurationSummary | None
    """From the submit to the ack, by the client's clock."""
    wait: DurationSummary | None
    """From submitted to started, by the store's clock, to the millisecond."""
    run: DurationSummary | None
    """From started to finished, likewise."""
    total: DurationSummary | None
    """From the submit until the client heard the end."""
    running: float | None
    """Jobs that ran at a time, on average."""
    waiting: float | None
    """Jobs that waited at a time, on average."""
    backlog_growth: float | None
    """Jobs a second by which the unfinished ones became more; None where so many were in flight."""
    saturated: bool
    """Whether the workers did what they can: jobs waited for them."""
    cancelled: int
    held_back: int


def summarize_durations(values: Iterable[float]) -> DurationSummary | None:
    """Return how values are spread; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p95, p99 = (quantile(ordered, share) for share in (0.5, 0.95, 0.99))
    return DurationSummary(mean=math.fsum(ordered) / len(ordered), p50=p50, p95=p95, p99=p99)


def figures_of(plan: LoadPlan, found: LoadResult, workers: int) -> Figures:
    """Return the figures of what a load found."""
    good = [sample for sample in found.samples if sample.outcome == "succeeded"]
    failures = Counter(sample.outcome for sample in found.samples if sample.outcome != "succeeded") + found.refused
    tried = len(good) + failures.total()
    wait = summarize_durations(sample.wait_s for sample in good if sample.wait_s is not None)
    run = summarize_durations(sample.run_s for sample in good if sample.run_s is not None)
    throughput = found.completed / found.seconds
    growth = slope(found.outstanding) if plan.offered else None
    waits = wait is not None and run is not None and wait.mean > max(SATURATED_WAIT_SHARE * run.mean, 0.002)
    grows = growth is not None and growth * found.seconds > max(
        BACKLOG_GROWTH_SHARE * plan.offered * found.seconds, BACKLOG_NOISE_JOBS
    )
    return Figures(
        kind=plan.kind,
        seconds=found.seconds,
        jobs=len(found.samples),
        in_flight=None if plan.offered else plan.in_flight,
        offered=plan.offered or None,
        workers=workers,
        throughput=throughput,
        success=len(good) / tried if tried else None,
        failures=dict(failures),
        ack=summarize_durations(sample.ack_s for sample in found.samples),
        wait=wait,
        run=run,
        total=summarize_durations(sample.total_s for sample in good),
        running=None if run is None else throughput * run.mean,
        waiting=None if wait is None else throughput * wait.mean,
        backlog_growth=growth,
        saturated=waits if growth is None else grows or found.held_back > 0,
        cancelled=found.cancelled,
        held_back=found.held_back,
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line that fits points best (least squares); 0 of fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x = math.fsum(x for x, _ in points) / len(points)
    mean_y = math.fsum(y for _, y in points) / len(points)
    width = math.fsum((x - mean_x) ** 2 for x, _ in points)
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0
