"""`python -m bench.copies [--size BYTES] [--jobs N]`: how often each process copies a value that goes there and back.

One job after the other has a text as its input and returns it. Each process counts in full: what it copies of the input
and of the result together.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from bench.client import handlers
from bench.harness.running import running
from bench.harness.system import System
from tidings import Client

from .page_faults import count_here, faults_here, faults_of, faults_of_copy

WARM_UP = 5
"""Jobs before those that are counted."""


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.copies", description="Copies of large values, by process.")
    parser.add_argument("--size", type=int, default=1_000_000, help="of the text, bytes; default: 1,000,000")
    parser.add_argument("--jobs", type=int, default=40, help="default: 40")
    options = parser.parse_args()
    count_here(["-m", "bench.copies", *sys.argv[1:]])
    settings = {
        "TIDINGS_DRAIN_S": "0",
        "TIDINGS_MAX_FRAME_BYTES": str(2 * options.size),
        "TIDINGS_MAX_RESULT_BYTES": str(2 * options.size),
    }
    with running(settings=settings, workers=((str(Path(handlers.__file__)),),), fast_allocator=False) as (
        _,
        system,
        (url,),
    ):
        address = url.replace("ws://", "http://").removesuffix("/v1/socket")
        found = asyncio.run(_count(system, address, options.size, options.jobs))
    print("| process | copies of the value in each job |\n|---|---:|")
    for name, number in found.items():
        print(f"| {name} | {number:.1f} |")


async def _count(system: System, url: str, size: int, jobs: int) -> dict[str, float]:
    """Return the copies that each process makes for one job."""
    text = "x" * size
    async with Client(url) as client:

        async def run(count: int) -> None:
            for _ in range(count):
                handle = await client.submit("echo", text=text)
                assert await handle.result() == text

        await run(WARM_UP)
        before = _faults(system)
        await run(jobs)
        after = _faults(system)
    one = faults_of_copy(size) * jobs
    return {name: (faults - before[name]) / one for name, faults in after.items()}


def _faults(system: System) -> dict[str, int]:
    return {"client": faults_here(), **{name: faults_of(process.pid) for name, process in system.processes.items()}}


if __name__ == "__main__":
    main()
