"""The closed loop by long polls: `POST /v1/jobs` with `Prefer: wait=60`, whose answer is the outcome, then the next."""

import asyncio

from bench.poll import PollTurn
from bench.run import Run
from bench.stream import StreamLane

from . import Scenario
from .sse_closed_loop import CONNECTIONS


async def _run(run: Run) -> None:
    lanes = [StreamLane(run, "three_steps", PollTurn) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(lane.open() for lane in lanes))
    for lane in lanes:
        lane.begin()
    await run.measure()
    for lane in lanes:
        lane.close()


SCENARIO = Scenario(
    f"{CONNECTIONS} HTTP connections, each `POST /v1/jobs` with `Prefer: wait=60` of a job with three progress events",
    _run,
    ("jobs", "reply"),
)
