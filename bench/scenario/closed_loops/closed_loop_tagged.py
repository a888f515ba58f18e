"""The closed loop with jobs that have a tag: what the index of an owner's jobs and the word to followers cost."""

from bench.load.loop import closed_loop
from bench.load.run import Run
from bench.scenario import Scenario


async def _run(run: Run) -> None:
    await closed_loop(run, "three_steps", sockets=200, tag="order:7")


SCENARIO = Scenario(
    "the same with a tag: the store lists each job, and tells those who follow",
    _run,
    ("jobs", "ack", "reply"),
    long=True,
)
