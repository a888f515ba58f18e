"""One caller has ten thousand jobs waiting, another submits single ones: how many of the first's overtake each?

The two come from different addresses of this machine, which are callers where nobody has to say who he is.
"""

import asyncio
import time

from bench.load.line import Line
from bench.load.run import Run

from . import Scenario

JOBS = 10_000
SINGLES = 200
FLOOD, SINGLE = "slow", "noop"
ADDRESSES = ("127.0.0.1", "127.0.0.2")
MOST_S = 300.0


class Flood:
    """The first caller: as many unfinished jobs as asked, always."""

    def __init__(self, run: Run, jobs: int) -> None:
        self.ended = 0
        self.full = asyncio.Event()
        self._jobs = jobs
        self._sent = 0
        self.line = Line(run, FLOOD, self._news)

    def _news(self, line: Line) -> None:
        self.ended = self._sent - line.book.unfinished
        room = min(self._jobs - line.book.unfinished, line.limits.max_in_flight - line.book.unacked)
        for _ in range(room):
            line.submit(time.perf_counter(), counted=False)
        self._sent += max(room, 0)
        if line.book.unfinished >= self._jobs - line.limits.max_in_flight:
            self.full.set()


class Single:
    """The second caller: one job at a time; counts how many of the flood's end between its ack and its end."""

    def __init__(self, run: Run, flood: Flood, jobs: int) -> None:
        self.overtaken: list[int] = []
        self.over = asyncio.Event()
        self.line = Line(run, SINGLE, self._news)
        self._flood = flood
        self._jobs = jobs
        self._acked_at = -1

    def submit(self) -> None:
        """Submit one."""
        self._acked_at = -1
        self.line.submit(time.perf_counter(), counted=True)

    def _news(self, line: Line) -> None:
        if not line.book.unfinished:
            if self._acked_at >= 0:
                self.overtaken.append(self._flood.ended - self._acked_at)
                if len(self.overtaken) < self._jobs:
                    self.submit()
                else:
                    self.over.set()
        elif not line.book.unacked and self._acked_at < 0:
            self._acked_at = self._flood.ended


async def _run(run: Run) -> None:
    flood = Flood(run, run.count or JOBS)
    single = Single(run, flood, SINGLES)
    await single.line.open(ADDRESSES[1])
    await flood.line.open(ADDRESSES[0])
    run.allow(MOST_S)
    await flood.full.wait()
    run.begin()
    single.submit()
    await single.over.wait()
    run.end()
    ordered = sorted(single.overtaken)
    run.report(
        more={
            "overtaken p50": ordered[len(ordered) // 2],
            "overtaken p99": ordered[int(len(ordered) * 0.99)],
            "overtaken max": ordered[-1],
        }
    )
    for line in (flood.line, single.line):
        line.close()


SCENARIO = Scenario(
    f"a caller with {JOBS:,} jobs waiting, another with one at a time; overtaken: how many of the first's end between "
    "the ack and the end of one of the second's (up to 100 of them run already)",
    _run,
    ("ack", "reply"),
    long=True,
)
