"""A million jobs in one closed loop: whether the last run as the first did, and what the store keeps of them."""

import asyncio

from bench.load.loop import looping
from bench.load.run import Run

from . import Scenario

JOBS = 1_000_000
TENTHS = 10
SOCKETS = 200
MOST_S = 1_800.0
"""How long a tenth may take."""


class Tenths:
    """Cuts a run into ten cases of as many jobs each."""

    def __init__(self, run: Run, jobs: int) -> None:
        self.done = asyncio.Event()
        self._run = run
        self._each = max(1, jobs // TENTHS)
        self._number = 1
        self._ended = 0

    def begin(self) -> None:
        """Begin a tenth."""
        self._run.allow(MOST_S)
        self._run.begin()

    def count(self) -> None:
        """Count a job that has ended."""
        if self.done.is_set():
            return
        self._ended += 1
        if self._ended < self._each * self._number:
            return
        self._run.end()
        self._run.report(f"tenth {self._number}", {"jobs": self._each})
        self._number += 1
        if self._number > TENTHS:
            self.done.set()
        else:
            self.begin()


async def _run(run: Run) -> None:
    tenths = Tenths(run, run.count or JOBS)
    async with looping(run, "three_steps", SOCKETS, tenths.count):
        tenths.begin()
        await tenths.done.wait()


SCENARIO = Scenario(
    f"{SOCKETS} sockets, each a job with three progress events, then the next, for long; the records of all are kept",
    _run,
    ("jobs", "reply"),
    long=True,
)
