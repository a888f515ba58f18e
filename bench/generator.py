"""The load generator, a process of its own: `python -m bench.generator SCENARIO URL WARM_UP_S SECONDS`.

It prints `begin` and `end` around what it measures, so that others can read their clocks then, and
last its figures as JSON.
"""

import faulthandler
import sys

import msgspec
import uvloop

from .run import Run
from .scenario import find_scenario

PATIENCE_S = 60.0
"""How much longer than asked a run may take; then it is given up with a traceback of where it hangs."""


def main(name: str, url: str, warm_up_s: float, seconds: float) -> None:
    """Put a scenario's load on a system, and print what was found."""
    faulthandler.dump_traceback_later(warm_up_s + seconds + PATIENCE_S, exit=True)
    run = Run(url, warm_up_s, seconds)
    uvloop.run(find_scenario(name).run(run))
    print(msgspec.json.encode(run.figures).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
