"""How long jobs of the fast tier take beside a heavy tier that has all it can get.

Wants a worker that gives slots to tiers: `TIDINGS_TIERS=fast=8,standard=4,heavy=4 python -m bench tiers`. Without it
all slots are one pool, which the heavy jobs fill.
"""

from bench.load.loop import closed_loop, looping
from bench.load.run import Run

from . import Scenario

SOCKETS = 4
HEAVY = 200


async def _run(run: Run) -> None:
    await closed_loop(run, "quick", SOCKETS, "alone")
    beside = Run(run.next_url(), run.warm_up_s, run.seconds)
    async with looping(beside, "heavy", HEAVY):
        await closed_loop(run, "quick", SOCKETS, "heavy saturated")
    if beside.tally.errors:
        raise RuntimeError(f"{beside.tally.errors} heavy jobs went wrong")


SCENARIO = Scenario(
    f"{SOCKETS} sockets, each a job of the fast tier, then the next: alone, and beside {HEAVY} that each keep a job "
    "of the heavy tier in flight",
    _run,
    ("reply", "jobs"),
    long=True,
)
