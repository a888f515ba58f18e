"""The load generator, a process of its own: `python -m bench.load.generator SCENARIO URL WARM_UP_S SECONDS [COUNT]`.

It prints `begin` and `end` around what it measures of each case, so that others can read their clocks then, and
last the figures of all cases as JSON.
"""

import sys

import msgspec
import uvloop

from bench.harness.files import allow_many_files
from bench.scenario import find_scenario

from .run import Run


def main(name: str, url: str, warm_up_s: float, seconds: float, count: int | None) -> None:
    """Put a scenario's load on a system, and print what was found."""
    allow_many_files()
    run = Run(url, warm_up_s, seconds, count)
    uvloop.run(find_scenario(name).run(run))
    print(msgspec.json.encode(run.figures).decode(), flush=True)


if __name__ == "__main__":
    _, name, url, warm_up_s, seconds, *count = sys.argv
    main(name, url, float(warm_up_s), float(seconds), int(count[0]) if count else None)
