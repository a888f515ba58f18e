"""Very many submits at one moment: how long until the last is acknowledged, and until the last has ended."""

import asyncio
import time

from bench.load.book import Quota
from bench.load.line import Line, open_lines
from bench.load.loop import looping
from bench.load.run import Run

from . import Scenario

JOBS = 20_000
SOCKETS = 10
KIND = "noop"
MOST_S = 600.0
"""How long it may take."""


class Burst:
    """The burst under way. All of it is wanted at its begin: what may not be sent yet waits at the user's expense."""

    def __init__(self, jobs: int) -> None:
        self.acked_at = self.ended_at = 0.0
        self.over = asyncio.Event()
        self._quotas: dict[Line, Quota] = {}
        self._jobs = jobs
        self._began = 0.0

    def begin(self, lines: list[Line]) -> None:
        """Submit as much as may be."""
        self._began = time.perf_counter()
        each, more = divmod(self._jobs, len(lines))
        self._quotas = {line: Quota(each + (number < more)) for number, line in enumerate(lines)}
        for line in lines:
            self._submit(line)

    def news(self, line: Line) -> None:
        """Go on."""
        if line not in self._quotas or self.over.is_set():
            return
        self._submit(line)
        if line.lost:
            self.over.set()
        if self._quotas[line].left or line.book.unacked:
            return
        if not self.acked_at and not any(quota.left or each.book.unacked for each, quota in self._quotas.items()):
            self.acked_at = time.perf_counter()
        if self.acked_at and not line.book.unfinished and not any(each.book.unfinished for each in self._quotas):
            self.ended_at = time.perf_counter()
            self.over.set()

    def _submit(self, line: Line) -> None:
        for _ in range(self._quotas[line].take(line.book.unacked, line.limits.max_in_flight)):
            line.submit(self._began, counted=True)


async def _run(run: Run) -> None:
    async with looping(run, KIND, SOCKETS):
        await asyncio.sleep(run.warm_up_s)
    jobs = run.count or JOBS
    burst = Burst(jobs)
    lines = await open_lines(run, KIND, SOCKETS, burst.news)
    await asyncio.sleep(run.warm_up_s)  # by now each has been greeted, and told its limits
    run.allow(MOST_S)
    run.begin()
    began = time.perf_counter()
    burst.begin(lines)
    await burst.over.wait()
    run.end()
    if any(line.lost for line in lines):
        raise ConnectionError("a socket was lost in the burst")
    run.report(
        more={
            "jobs": jobs,
            "all acked, ms": (burst.acked_at - began) * 1e3,
            "all ended, ms": (burst.ended_at - began) * 1e3,
        }
    )
    for line in lines:
        line.close()


SCENARIO = Scenario(
    f"very many no-op jobs submitted at one moment over {SOCKETS} sockets; durations from that moment",
    _run,
    ("jobs", "ack", "reply"),
)
