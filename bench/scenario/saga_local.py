"""Sagas of five steps in their own worker, one after the other on each of 20 sockets."""

from bench.load.loop import closed_loop
from bench.load.run import Run

from . import Scenario


async def _run(run: Run) -> None:
    await closed_loop(run, "saga_local", sockets=20)


SCENARIO = Scenario("20 sockets, each a saga of five local steps at a time", _run, ("jobs", "reply"), long=True)
