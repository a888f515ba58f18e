"""Load that does not wait for answers, at fixed shares of what the system can do at most."""

import asyncio
import time
from contextlib import suppress

from bench.load.alarm import Alarm
from bench.load.histogram import Histogram
from bench.load.line import Line, open_lines
from bench.load.loop import looping
from bench.load.run import Run
from bench.load.schedule import Schedule

from . import Scenario

SHARES = (0.25, 0.5, 0.75, 0.9)
SOCKETS = 200
KIND = "three_steps"
LEAST_S = 1.0
"""How long the maximum is looked for, at least."""

DRAIN_S = 60.0
"""How long what was offered may take to end; what takes longer is an error."""


class Offer:
    """Submits on time, over all sockets in turn, whatever comes back."""

    def __init__(self, lines: list[Line], schedule: Schedule, *, counted: bool) -> None:
        self.late = Histogram()
        """How much later than meant the submits left: the load generator's own fault, and part of all durations."""
        self._lines = lines
        self._schedule = schedule
        self._counted = counted
        self._turn = 0
        self._done = asyncio.Event()
        self._alarm = Alarm(self._submit)

    async def run(self) -> None:
        """Submit all of it."""
        try:
            self._submit()
            await self._done.wait()
        finally:
            self._alarm.close()

    def _submit(self) -> None:
        now = time.perf_counter()
        for moment in self._schedule.take(now):
            self._lines[self._turn % len(self._lines)].submit(moment, counted=self._counted)
            self._turn += 1
            self.late.add(now - moment)
        following = self._schedule.next
        if following is None:
            self._done.set()
        else:
            self._alarm.set(following)


async def _maximum(run: Run) -> float:
    """Return what a closed loop reaches, jobs/s."""
    ended = 0

    def count() -> None:
        nonlocal ended
        ended += 1

    async with looping(run, KIND, SOCKETS, count):
        await asyncio.sleep(run.warm_up_s)
        before, began = ended, time.perf_counter()
        await asyncio.sleep(max(LEAST_S, run.seconds / 2))
        return max(1.0, (ended - before) / (time.perf_counter() - began))


class Crowd:
    """The sockets over which it is offered."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._news = asyncio.Event()

    async def open(self, run: Run) -> None:
        """Connect."""
        self.lines = await open_lines(run, KIND, SOCKETS, lambda _: self._news.set())

    async def drain(self) -> int:
        """Wait until everything has ended; return how many jobs have not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while self._unfinished:
                    self._news.clear()
                    await self._news.wait()
        return self._unfinished

    def close(self) -> None:
        """Disconnect."""
        for line in self.lines:
            line.close()

    @property
    def _unfinished(self) -> int:
        return sum(line.book.unfinished for line in self.lines)


async def _offer(run: Run, crowd: Crowd, rate: float, case: str) -> None:
    run.allow(DRAIN_S)
    began = time.perf_counter()
    await Offer(crowd.lines, Schedule(rate, began, run.warm_up_s), counted=False).run()
    began += run.warm_up_s  # soon: the alarm is set for it, which rings on time as a sleep would not
    offer = Offer(crowd.lines, Schedule(rate, began, run.seconds), counted=True)
    run.begin()
    await offer.run()
    await asyncio.sleep(began + run.seconds - time.perf_counter())
    run.end()
    run.tally.errors += await crowd.drain()
    late = offer.late.percentile(0.99) * 1e3
    run.report(case, {"offered, jobs/s": round(rate, 1), "submitted late p99, ms": round(late, 3)})


async def _run(run: Run) -> None:
    most = await _maximum(run)
    crowd = Crowd()
    await crowd.open(run)
    for share in SHARES:
        await _offer(run, crowd, most * share, f"{share:.0%} of its maximum")
    crowd.close()


SCENARIO = Scenario(
    f"jobs with three progress events over {SOCKETS} sockets at a fixed rate, a share of what each system can do "
    "(so that their rates differ); durations from the moment meant",
    _run,
    ("reply", "ack", "jobs"),
)
