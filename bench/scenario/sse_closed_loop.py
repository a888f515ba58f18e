"""The closed loop over HTTP: `POST /v1/jobs`, then the job's stream of events, then the next."""

import asyncio

from bench.run import Run
from bench.stream import StreamLane

from . import Scenario

CONNECTIONS = 200


async def _run(run: Run) -> None:
    lanes = [StreamLane(run, "three_steps") for _ in range(CONNECTIONS)]
    await asyncio.gather(*(lane.open() for lane in lanes))
    for lane in lanes:
        lane.begin()
    await run.measure()
    for lane in lanes:
        lane.close()


SCENARIO = Scenario(
    f"{CONNECTIONS} HTTP connections, each `POST /v1/jobs` of a job with three progress events, then its event stream",
    _run,
    ("jobs", "ack", "reply", "progress"),
)
