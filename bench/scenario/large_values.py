"""Eight sockets, each with one job in flight whose input is a long text, which comes back as the result."""

from typing import Final

from bench.load.loop import looping
from bench.load.run import Run

from . import Scenario

SOCKETS: Final = 8
SIZES: Final = {"64 KB": 65_536, "1 MB": 1_000_000}
"""Case → characters of the text."""


async def _run(run: Run) -> None:
    for case, size in SIZES.items():
        async with looping(run, "echo", SOCKETS, input_json=f'{{"text":"{"x" * size}"}}'):
            await run.measure(case, bytes_per_job=2 * size)


SCENARIO = Scenario(
    f"{SOCKETS} sockets, each a job that returns the text it is given, then the next; MB/s count what goes there and "
    "what comes back",
    _run,
    ("jobs", "reply", "ack"),
)
