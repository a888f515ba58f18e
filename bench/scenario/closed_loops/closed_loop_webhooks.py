"""The closed loop with a webhook for each job: what it costs to write the deliveries; no worker makes them."""

import os

from bench.load.loop import closed_loop
from bench.load.run import Run
from bench.scenario import Scenario

URL = "https://hooks.example.com/in"


async def _run(run: Run) -> None:
    await closed_loop(run, "three_steps", sockets=200, webhook=os.environ.get("BENCH_WEBHOOK_URL", URL))


SCENARIO = Scenario(
    "the same with a webhook for each job, whose delivery the store writes and no worker makes",
    _run,
    ("jobs", "ack", "reply"),
    long=True,
)
