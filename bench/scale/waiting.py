"""Waiting jobs: what it takes to do one when more and more of them lie queued."""

from bench.peer import find_peer
from bench.queue.measure import measure

from .row import Axis, Row, summed

JOBS = (1_000, 10_000, 100_000)


def _with(jobs: int) -> Row:
    alone = find_peer("tidings").alone
    assert alone is not None
    one = measure(alone, "drain", jobs)
    return Row(
        amount=f"{jobs:,}",
        per_s=one.jobs_per_s,
        cpu_us=summed(one.cpu_us_per_job),
        busy={},
        rss_mb=summed(one.rss_mb),
        others_busy=one.others_busy,
    )


def along(_seconds: float) -> Axis:
    """Measure each amount."""
    return Axis(
        name="waiting jobs",
        sentence="So many no-op jobs lie queued when one worker starts; until it has done all of them",
        thing="job",
        rows=[_with(jobs) for jobs in JOBS],
    )
