"""One run as a scenario sees it: where to send load, how long to measure, and what to count in."""

import asyncio
import faulthandler
import itertools
import time
from collections.abc import Mapping

from .tally import Figures, Tally

PATIENCE_S = 60.0
"""How much longer than asked a run may take; then it is given up with a traceback of where it hangs."""

MB_PER_S = "MB/s"
"""The heading of what goes through a system."""


class Run:
    """A run: one case or several.

    `begin` and `end` enclose what is measured of each; the harness reads the clocks of others then. After `end` comes
    `report`, at once or when what was measured has come to its end.
    """

    def __init__(self, url: str, warm_up_s: float, seconds: float, count: int | None = None) -> None:
        """Prepare.

        Args:
            url: the socket's address; of several servers, all addresses with spaces between them.
            warm_up_s: how long load is put on before anything is counted.
            seconds: how long is measured, where that is not given by a number of jobs.
            count: how many jobs, where that is; None: as many as the scenario says.

        """
        self._urls = itertools.cycle(url.split())
        self.warm_up_s = warm_up_s
        self.seconds = seconds
        self.count = count
        self.tally = Tally()
        self.figures: list[Figures] = []
        self._began = self._ended = 0.0
        self._cpu_s = 0.0
        self.allow(0)

    def next_url(self) -> str:
        """Return where to connect: to each server in turn."""
        return next(self._urls)

    def allow(self, seconds: float) -> None:
        """Let the next part of the run take so long, and a little more; whatever was allowed before counts no more."""
        faulthandler.dump_traceback_later(self.warm_up_s + self.seconds + seconds + PATIENCE_S, exit=True)

    async def measure(self, case: str = "", more: Mapping[str, float] | None = None, *, bytes_per_job: int = 0) -> None:
        """Warm up and measure, for the times asked; load must be under way already.

        Args:
            case: which of the scenario's cases it is.
            more: what else the scenario found.
            bytes_per_job: what goes through the system with each job, which is then reported as MB/s; 0: it is not.

        """
        self.allow(0)
        await asyncio.sleep(self.warm_up_s)
        self.begin()
        await asyncio.sleep(self.seconds)
        self.end()
        rate = self.tally.jobs * bytes_per_job / (self._ended - self._began) / 1e6
        self.report(case, {**(more or {}), **({MB_PER_S: round(rate, 2)} if bytes_per_job else {})})

    def begin(self) -> None:
        """Begin to count."""
        print("begin", flush=True)
        self._began, self._cpu_s = time.perf_counter(), time.process_time()
        self.tally.measuring = True

    def end(self) -> None:
        """Count no more."""
        print("end", flush=True)
        self.tally.measuring = False
        self._ended, self._cpu_s = time.perf_counter(), time.process_time() - self._cpu_s

    def report(self, case: str = "", more: Mapping[str, float] | None = None) -> None:
        """Keep what was counted of a case."""
        self.figures.append(self.tally.take(self._ended - self._began, self._cpu_s, case, dict(more or {})))
