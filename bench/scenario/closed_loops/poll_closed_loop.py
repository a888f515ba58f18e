"""The closed loop by long polls: `POST /v1/jobs` with `Prefer: wait=60`, whose answer is the outcome, then the next."""

from functools import partial

from bench.load.poll import PollTurn
from bench.load.stream import run_lanes
from bench.scenario import Scenario

from .sse_closed_loop import CONNECTIONS

SCENARIO = Scenario(
    f"{CONNECTIONS} HTTP connections, each `POST /v1/jobs` with `Prefer: wait=60` of a job with three progress events",
    partial(run_lanes, turn=PollTurn, connections=CONNECTIONS),
    ("jobs", "reply"),
)
