"""One run as a scenario sees it: where to send load, how long to measure, and what to count in."""

import asyncio
import time

from .tally import Figures, Tally


class Run:
    """A run. `begin` and `end` enclose what is measured; the harness reads the clocks of others then."""

    def __init__(self, url: str, warm_up_s: float, seconds: float) -> None:
        self.url = url
        self.tally = Tally()
        self._warm_up_s = warm_up_s
        self._seconds = seconds
        self._began = 0.0
        self._cpu_s = 0.0
        self.figures: Figures | None = None

    async def measure(self) -> None:
        """Warm up and measure, for the times asked; load must be under way already."""
        await asyncio.sleep(self._warm_up_s)
        self.begin()
        await asyncio.sleep(self._seconds)
        self.end()

    def begin(self) -> None:
        """Begin to count."""
        print("begin", flush=True)
        self._began, self._cpu_s = time.perf_counter(), time.process_time()
        self.tally.measuring = True

    def end(self) -> None:
        """Count no more."""
        print("end", flush=True)
        self.tally.measuring = False
        self.figures = self.tally.figures(time.perf_counter() - self._began, time.process_time() - self._cpu_s)
