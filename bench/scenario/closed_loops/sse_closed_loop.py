"""The closed loop over HTTP: `POST /v1/jobs`, then the job's stream of events, then the next."""

from functools import partial

from bench.load.stream import StreamTurn, run_lanes
from bench.scenario import Scenario

CONNECTIONS = 200

SCENARIO = Scenario(
    f"{CONNECTIONS} HTTP connections, each `POST /v1/jobs` of a job with three progress events, then its event stream",
    partial(run_lanes, turn=StreamTurn, connections=CONNECTIONS),
    ("jobs", "ack", "reply", "progress"),
)
