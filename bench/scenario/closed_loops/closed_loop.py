"""Two hundred sockets, each with one job in flight that reports progress three times."""

from bench.load.loop import closed_loop
from bench.load.run import Run
from bench.scenario import Scenario


async def _run(run: Run) -> None:
    await closed_loop(run, "three_steps", sockets=200)


SCENARIO = Scenario(
    "200 sockets, each a job with three progress events, then the next",
    _run,
    ("jobs", "ack", "reply"),
)
