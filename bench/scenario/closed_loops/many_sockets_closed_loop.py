"""The closed loop over more and more sockets: what a job costs should not depend on how many others wait."""

from bench.load.loop import closed_loop
from bench.load.run import Run
from bench.scenario import Scenario

NAME = "many_sockets_closed_loop"
SOCKETS = (1, 10, 100, 1_000, 5_000)


async def _run(run: Run) -> None:
    for sockets in SOCKETS:
        await closed_loop(run, "three_steps", sockets, case=f"{sockets} socket{'s' if sockets > 1 else ''}")


SCENARIO = Scenario(
    "1 to 5,000 sockets, each a job with three progress events, then the next",
    _run,
    ("jobs", "reply"),
)
