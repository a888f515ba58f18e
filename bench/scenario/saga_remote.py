"""Sagas of three steps in other jobs, one after the other on each of 20 sockets."""

from bench.load.loop import closed_loop
from bench.load.run import Run

from . import Scenario


async def _run(run: Run) -> None:
    await closed_loop(run, "saga_remote", sockets=20)


SCENARIO = Scenario(
    "20 sockets, each a saga of three steps in other jobs at a time", _run, ("jobs", "reply"), long=True
)
