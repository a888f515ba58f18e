"""Partitions: the same load spread over more and more queues, each with keys, streams and scripts of its own."""

import os
from unittest import mock

from bench.harness.measure import measure
from bench.harness.running import running
from bench.harness.system import ROOT

from .row import Axis, Row, row_of

QUEUES = (1, 2, 4, 8)


def _with(queues: int, seconds: float) -> Row:
    with (
        mock.patch.dict(os.environ, BENCH_QUEUES=str(queues)),
        running(workers=[[str(ROOT / "bench/spread.py")]]) as (_, system, _urls),
    ):
        found = measure(system, "queues_closed_loop", 1.0, seconds)
    return row_of(f"{queues} queue{'s' if queues > 1 else ''}", found[""])


def along(seconds: float) -> Axis:
    """Measure each amount for so many seconds."""
    return Axis(
        name="partitions",
        sentence="200 sockets, each a job with three progress events, over so many queues that one worker serves",
        thing="job",
        rows=[_with(queues, seconds) for queues in QUEUES],
    )
