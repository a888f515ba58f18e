"""Finished jobs: whether the last tenth of a long run is as fast as the first, and what the store keeps of it."""

from bench.harness.measure import measure
from bench.harness.running import running

from .row import Axis, row_of

JOBS = 1_000_000
KEPT_S = 20
"""How long a finished job is kept: short, so that a run reaches the balance that a longer one has after its day."""


def along(seconds: float, jobs: int = 0) -> Axis:
    """Measure a million jobs, or as many as asked; 0: a million, or fewer where `seconds` says that time is short."""
    count = jobs or (JOBS if seconds >= 4 else JOBS // 20)
    with running(settings={"TIDINGS_RESULT_TTL_S": str(KEPT_S)}) as (_, system, _urls):
        found = measure(system, "million", 1.0, seconds, count)
    return Axis(
        name="finished jobs",
        sentence=(
            f"{count:,} jobs with three progress events over 200 sockets, in tenths; the records of those that ended "
            f"are kept for {KEPT_S} s"
        ),
        thing="job",
        rows=[row_of(case, one, {"result p99, ms": f"{one.reply_ms['p99']:,.0f}"}) for case, one in found.items()],
    )
