"""Jobs that report progress a thousand times a second: what of it arrives, and what it costs."""

from bench.load.loop import closed_loop
from bench.load.run import Run

from . import Scenario

REPORTS = 500
"""How often a job of the kind `flood` reports, 1 ms apart."""


async def _run(run: Run) -> None:
    await closed_loop(run, "flood", sockets=20, more={"reported a job": REPORTS})


SCENARIO = Scenario(
    f"20 sockets, each a job that reports progress {REPORTS} times, 1 ms apart, then the next",
    _run,
    ("progress", "jobs", "reply"),
)
