"""The time from a submit to its result, when nothing is in the way."""

from bench.load.loop import closed_loop
from bench.load.run import Run

from . import Scenario


async def _run(run: Run) -> None:
    await closed_loop(run, "noop", sockets=1)


SCENARIO = Scenario("submit to result, no-op job, one in flight", _run, ("reply",))
