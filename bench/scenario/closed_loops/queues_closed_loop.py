"""The closed loop over as many queues as `BENCH_QUEUES` says; of workers that serve `bench/spread.py`."""

from bench.load.loop import closed_loop
from bench.load.run import Run
from bench.scenario import Scenario
from bench.spread import kinds


async def _run(run: Run) -> None:
    await closed_loop(run, kinds(), sockets=200)


SCENARIO = Scenario(
    "200 sockets, each a job with three progress events in a queue of its own, then the next",
    _run,
    ("jobs", "ack", "reply"),
    long=True,
)
