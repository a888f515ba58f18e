"""The closed loop with a job that waits 1 ms before each step: no step can be gathered with the next."""

from bench.load.loop import closed_loop
from bench.load.run import Run
from bench.scenario import Scenario


async def _run(run: Run) -> None:
    await closed_loop(run, "three_waiting_steps", sockets=200)


SCENARIO = Scenario(
    "200 sockets, each a job with three progress events 1 ms apart, then the next",
    _run,
    ("jobs", "ack", "reply"),
)
